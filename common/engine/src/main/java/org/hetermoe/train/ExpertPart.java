package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.hetermoe.channel.Frame;
import org.hetermoe.channel.Phase;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.optim.AdamW;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.hetermoe.train.ExpertSide.Delivery;
import org.hetermoe.train.ExpertSide.GradientDelivery;

/**
 * A worker's experts, whatever its role: computes them for the tokens of all attention workers, one
 * task of the schedule after the other, as deliveries come in.
 */
final class ExpertPart implements AutoCloseable {
  private final Compute compute;
  private final GroupLink link;
  private final int attentionWorkers;
  private final int hidden;
  private final PacedWork paced;
  private final ExpertBank bank;
  private final ExpertSide side;

  /** The experts that the plan places on the worker of {@code link}. */
  ExpertPart(
      GroupPlan plan, Compute compute, GroupLink link, WeightSource source, PacedWork paced) {
    this.compute = compute;
    this.link = link;
    this.paced = paced;
    attentionWorkers = plan.attentionWorkers();
    hidden = plan.model().hidden();
    List<List<Integer>> owned = new ArrayList<>();
    for (int layer = 0; layer < plan.model().layers(); layer++) {
      owned.add(plan.placement().expertsOf(layer, link.self()));
    }
    bank = new ExpertBank(compute, plan.model(), owned);
    bank.load(source);
    side = new ExpertSide(compute, hidden, bank);
  }

  /** Gives away and takes in experts, between two steps. */
  void move(Placement before, Placement after) throws InterruptedException {
    new ExpertMoves(compute, link, bank).run(before, after);
  }

  ExpertBank bank() {
    return bank;
  }

  /**
   * Computes one task for a micro-batch.
   *
   * @param trains whether a backward follows a forward
   */
  void run(Task task, int microBatch, boolean trains) throws InterruptedException {
    switch (task.direction()) {
      case FORWARD -> forward(task.stage(), microBatch, trains);
      case BACKWARD -> backward(task.stage(), microBatch);
    }
  }

  /** Squared gradient norm of each expert, in canonical order. */
  double[] gradientSquares() {
    List<Double> squares = new ArrayList<>();
    bank.forEachParameterSet(expert -> squares.add(expert.gradientSquares()));
    return squares.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** Rows that each expert has computed in this step, in canonical order. */
  long[] takeRows() {
    return IntStream.range(0, bank.layers())
        .mapToObj(side::takeTrainedRows)
        .flatMapToLong(Arrays::stream)
        .toArray();
  }

  /** Updates all experts and sets their gradients to zero. */
  void update(AdamW optimizer, int step, double clip) {
    bank.forEachParameterSet(expert -> optimizer.update(compute, expert, step, clip));
  }

  /** Number of trained weights. */
  long parameters() {
    long[] sum = {0};
    bank.forEachParameterSet(expert -> sum[0] += expert.elements());
    return sum[0];
  }

  private void forward(int layer, int microBatch, boolean trains) throws InterruptedException {
    int experts = bank.experts(layer).size();
    List<Frame> frames = receive(Phase.DISPATCH, layer, microBatch);
    try (Workspace w = new Workspace(compute)) {
      List<Delivery> deliveries = new ArrayList<>();
      List<Frame> results = new ArrayList<>();
      List<Tensor> outputs = new ArrayList<>();
      for (Frame frame : frames) {
        Delivery delivery = delivery(frame, experts, w);
        deliveries.add(delivery);
        Shape shape = Shape.of(delivery.rows().shape().rows(), hidden);
        Frame result = link.frame(Phase.COMBINE, layer, microBatch, 0, shape);
        results.add(result);
        outputs.add(w.own(compute.map(result.data(), DType.F32, shape)));
      }
      int[] rows = side.forward(layer, microBatch, deliveries, outputs, trains);
      paced.experts(rows, Direction.FORWARD);
      frames.forEach(Frame::close);
      send(results);
    }
  }

  private Delivery delivery(Frame frame, int experts, Workspace w) {
    MemorySegment table = frame.table();
    int[] counts = new int[experts];
    MemorySegment.copy(table, ValueLayout.JAVA_INT, 0, counts, 0, experts);
    int assignments = Math.toIntExact(table.byteSize() / Integer.BYTES) - experts;
    Tensor rows = compute.allocate(DType.I32, Shape.of(assignments));
    compute.write(table.asSlice((long) experts * Integer.BYTES), rows);
    return new Delivery(counts, rows, w.own(compute.map(frame.data(), DType.F32, frame.shape())));
  }

  private void backward(int layer, int microBatch) throws InterruptedException {
    List<Frame> frames = receive(Phase.DISPATCH_GRADIENT, layer, microBatch);
    try (Workspace w = new Workspace(compute)) {
      List<GradientDelivery> deliveries = new ArrayList<>();
      List<Frame> results = new ArrayList<>();
      List<Tensor> outputs = new ArrayList<>();
      for (int sender = 0; sender < frames.size(); sender++) {
        int assignments = side.assignments(layer, microBatch, sender);
        deliveries.add(gradientDelivery(frames.get(sender), assignments, w));
        Shape shape = Shape.of(assignments, hidden);
        Frame result = link.frame(Phase.COMBINE_GRADIENT, layer, microBatch, 0, shape);
        results.add(result);
        outputs.add(w.own(compute.map(result.data(), DType.F32, shape)));
      }
      int[] rows = side.backward(layer, microBatch, deliveries, outputs);
      paced.experts(rows, Direction.BACKWARD);
      frames.forEach(Frame::close);
      send(results);
    }
  }

  private GradientDelivery gradientDelivery(Frame frame, int assignments, Workspace w) {
    int elements = Math.toIntExact(frame.shape().elements());
    int tokens = (elements - assignments) / hidden;
    Tensor data = w.own(compute.map(frame.data(), DType.F32, Shape.of(elements)));
    return new GradientDelivery(
        data.view(0, Shape.of(tokens, hidden)),
        data.view((long) tokens * hidden, Shape.of(assignments)));
  }

  private List<Frame> receive(Phase phase, int layer, int microBatch) throws InterruptedException {
    List<Frame> frames = new ArrayList<>();
    for (int rank = 0; rank < attentionWorkers; rank++) {
      frames.add(link.receive(phase, layer, microBatch, WorkerRank.attention(rank)));
    }
    return frames;
  }

  private void send(List<Frame> results) throws InterruptedException {
    for (int rank = 0; rank < results.size(); rank++) {
      link.send(WorkerRank.attention(rank), results.get(rank));
    }
  }

  @Override
  public void close() {
    bank.close();
  }
}
