package org.hetermoe.train.expert;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.hetermoe.channel.Phase;
import org.hetermoe.channel.Subject;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.optim.AdamW;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.hetermoe.train.step.Computation;
import org.hetermoe.train.step.Mode;
import org.hetermoe.train.step.RankChannel;
import org.hetermoe.train.step.RankChannel.Incoming;
import org.hetermoe.train.step.RankChannel.Outgoing;
import org.hetermoe.train.step.TaskClock;

/**
 * A rank's experts, whatever its role: computes them for the tokens of all attention ranks, one
 * task of the schedule after the other, as deliveries come in.
 */
public final class ExpertModule implements AutoCloseable {
  private final Compute compute;
  private final RankChannel channel;
  private final int attentionRanks;
  private final int hidden;
  private final DType frameType;
  private final boolean recompute;
  private final TaskClock clock;
  private final ExpertBank bank;
  private final ExpertTasks tasks;

  /** The experts that the plan places on the rank of {@code channel}. */
  public ExpertModule(
      GroupPlan plan, Compute compute, RankChannel channel, WeightSource source, TaskClock clock) {
    this.compute = compute;
    this.channel = channel;
    this.clock = clock;
    attentionRanks = plan.attentionWorkers();
    hidden = plan.model().hidden();
    frameType = plan.precision().combine();
    List<List<Integer>> owned = new ArrayList<>();
    for (int layer = 0; layer < plan.model().layers(); layer++) {
      owned.add(plan.placement().expertsOf(layer, channel.self()));
    }
    bank = new ExpertBank(compute, plan.model(), plan.precision().experts(), owned);
    bank.load(source);
    recompute = plan.recompute().experts();
    tasks = new ExpertTasks(compute, hidden, bank, recompute);
  }

  /** Gives away and takes in experts, between two steps. */
  public void move(Placement before, Placement after) throws InterruptedException {
    new ExpertMoves(channel, bank).run(before, after);
  }

  /** The experts. */
  public ExpertBank bank() {
    return bank;
  }

  /**
   * Computes one task of the schedule.
   *
   * @param mode whether a backward follows a forward
   */
  public void run(Task task, Mode mode) throws InterruptedException {
    switch (task.direction()) {
      case FORWARD -> forward(task.stage(), task.microBatch(), mode);
      case BACKWARD -> backward(task.stage(), task.microBatch());
    }
  }

  /** Squared gradient norm of each expert, in canonical order. */
  public double[] gradientSquares() {
    List<Double> squares = new ArrayList<>();
    bank.forEachParameterSet(expert -> squares.add(expert.gradientSquares()));
    return squares.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** Rows that each expert has computed in this step, in canonical order. */
  public long[] takeRows() {
    return IntStream.range(0, bank.layers())
        .mapToObj(tasks::takeTrainedRows)
        .flatMapToLong(Arrays::stream)
        .toArray();
  }

  /** Updates all experts and sets their gradients to zero. */
  public void update(AdamW optimizer, int step, int updates, double clip) {
    bank.forEachParameterSet(expert -> optimizer.update(compute, expert, step, updates, clip));
  }

  /** Leaves all experts as they are and sets their gradients to zero. */
  public void skipUpdate() {
    bank.forEachParameterSet(ParameterSet::clearGradients);
  }

  /** Number of trained weights. */
  public long parameters() {
    long[] sum = {0};
    bank.forEachParameterSet(expert -> sum[0] += expert.elements());
    return sum[0];
  }

  private void forward(int layer, int microBatch, Mode mode) throws InterruptedException {
    Subject subject = new Subject.MicroBatch(layer, microBatch);
    int experts = bank.experts(layer).size();
    List<Incoming> received = receive(mode.dispatch(), subject);
    List<Delivery> deliveries = new ArrayList<>();
    List<Outgoing> results = new ArrayList<>();
    for (Incoming incoming : received) {
      Delivery delivery = delivery(incoming, experts);
      deliveries.add(delivery);
      results.add(result(mode.combine(), subject, delivery.assignments()));
    }
    int[] rows = tasks.forward(layer, microBatch, deliveries, tensors(results), mode);
    clock.computed(new Computation.Experts(layer, rows, Direction.FORWARD, false));
    received.forEach(Incoming::close);
    send(results);
  }

  private static Delivery delivery(Incoming incoming, int experts) {
    MemorySegment table = incoming.table();
    int[] counts = table.asSlice(0, (long) experts * Integer.BYTES).toArray(ValueLayout.JAVA_INT);
    int[] rows = table.asSlice((long) experts * Integer.BYTES).toArray(ValueLayout.JAVA_INT);
    return new Delivery(counts, rows, incoming.tensor());
  }

  private void backward(int layer, int microBatch) throws InterruptedException {
    Subject subject = new Subject.MicroBatch(layer, microBatch);
    List<Incoming> received = receive(Phase.DISPATCH_GRADIENT, subject);
    List<GradientDelivery> deliveries = new ArrayList<>();
    List<Outgoing> results = new ArrayList<>();
    for (int sender = 0; sender < received.size(); sender++) {
      int assignments = tasks.assignments(layer, microBatch, sender);
      deliveries.add(GradientDelivery.of(received.get(sender).tensor(), assignments, hidden));
      results.add(result(Phase.COMBINE_GRADIENT, subject, assignments));
    }
    int[] rows = tasks.backward(layer, microBatch, deliveries, tensors(results));
    clock.computed(new Computation.Experts(layer, rows, Direction.BACKWARD, recompute));
    received.forEach(Incoming::close);
    send(results);
  }

  private Outgoing result(Phase phase, Subject subject, int assignments) {
    return channel.outgoing(phase, subject, 0, frameType, Shape.of(assignments, hidden));
  }

  private static List<Tensor> tensors(List<Outgoing> results) {
    return results.stream().map(Outgoing::tensor).toList();
  }

  private List<Incoming> receive(Phase phase, Subject subject) throws InterruptedException {
    List<Incoming> received = new ArrayList<>();
    for (int rank = 0; rank < attentionRanks; rank++) {
      received.add(channel.receive(phase, subject, WorkerRank.attention(rank)));
    }
    return received;
  }

  private static void send(List<Outgoing> results) throws InterruptedException {
    for (int rank = 0; rank < results.size(); rank++) {
      results.get(rank).send(WorkerRank.attention(rank));
    }
  }

  @Override
  public void close() {
    bank.close();
  }
}
