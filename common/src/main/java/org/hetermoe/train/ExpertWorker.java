package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.Frame;
import org.hetermoe.channel.Phase;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Workspace;
import org.hetermoe.group.Peer;
import org.hetermoe.model.ExpertBank;
import org.hetermoe.model.WeightSource;
import org.hetermoe.optim.AdamW;
import org.hetermoe.plan.Schedule;
import org.hetermoe.plan.Split;
import org.hetermoe.plan.Task;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.hetermoe.tensor.Tensor;
import org.hetermoe.train.ExpertSide.Delivery;
import org.hetermoe.train.ExpertSide.GradientDelivery;

/**
 * An expert worker's steps: walks its side of the schedule, task by task, as deliveries come in.
 */
public final class ExpertWorker implements AutoCloseable {
  private final Compute compute;
  private final GroupPlan plan;
  private final GroupLink link;
  private final StepProbe probe;
  private final ExpertBank bank;
  private final ExpertSide side;
  private final AdamW optimizer;
  private final BusyClock busy;

  /** A worker with weights from {@code source}; its rank is that of the channel's end. */
  public ExpertWorker(
      GroupPlan plan, Compute compute, Channel channel, WeightSource source, StepProbe probe) {
    this.compute = compute;
    this.plan = plan;
    this.probe = probe;
    link = new GroupLink(channel);
    List<List<Integer>> owned = new ArrayList<>();
    for (int layer = 0; layer < plan.model().layers(); layer++) {
      owned.add(plan.placement().expertsOf(layer, channel.self()));
    }
    bank = new ExpertBank(compute, plan.model(), owned);
    bank.load(source);
    side = new ExpertSide(compute, plan.model().hidden(), bank);
    optimizer = new AdamW(plan.optimizer(), plan.steps());
    busy = new BusyClock(link);
  }

  /** The experts; for checkpoints. */
  public ExpertBank bank() {
    return bank;
  }

  /** One step, counted from 1; returns what attention worker 0 decided to follow. */
  public StepPolicy.AfterStep step(int step) throws InterruptedException {
    link.beginStep(step);
    for (Task task : plan.schedule().of(link.self(), plan.placement())) {
      run(task, task.microBatch(), true);
    }
    probe.expertGradients(bank);
    StepReport report = new StepReport(busy.read(), gradientSquares());
    link.sendTable(Peer.attention(0), Phase.STEP_REPORT, 0, 0, report.tableSize(), report::write);
    StepDecision decision = receiveDecision();
    bank.forEach(
        (layer, expert) ->
            optimizer.update(compute, bank.parameters(layer, expert), step, decision.clip()));
    return decision.after();
  }

  private StepDecision receiveDecision() throws InterruptedException {
    try (Frame frame = link.receive(Phase.STEP_DECISION, 0, 0, Peer.attention(0))) {
      return StepDecision.read(frame.table());
    }
  }

  /** Takes part in an evaluation of so many held-out sequences. */
  public void evaluate(int sequences) throws InterruptedException {
    for (Evaluation round : Evaluation.rounds(plan, sequences)) {
      List<Split> microBatches = round.microBatches();
      Schedule schedule = plan.schedule(microBatches.size());
      for (Task task : schedule.forwardOf(link.self(), plan.placement())) {
        run(task, round.firstMicroBatch() + task.microBatch(), false);
      }
    }
  }

  private void run(Task task, int microBatch, boolean trains) throws InterruptedException {
    int layer = task.stage();
    switch (task.direction()) {
      case FORWARD -> forward(layer, microBatch, trains);
      case BACKWARD -> backward(layer, microBatch);
    }
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
        Shape shape = Shape.of(delivery.rows().shape().rows(), plan.model().hidden());
        Frame result = link.frame(Phase.COMBINE, layer, microBatch, 0, shape);
        results.add(result);
        outputs.add(w.own(compute.map(result.data(), DType.F32, shape)));
      }
      side.forward(layer, microBatch, deliveries, outputs, trains);
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
    int hidden = plan.model().hidden();
    List<Frame> frames = receive(Phase.DISPATCH_GRADIENT, layer, microBatch);
    try (Workspace w = new Workspace(compute)) {
      List<GradientDelivery> deliveries = new ArrayList<>();
      List<Frame> results = new ArrayList<>();
      List<Tensor> outputs = new ArrayList<>();
      for (int sender = 0; sender < frames.size(); sender++) {
        Frame frame = frames.get(sender);
        int assignments = side.assignments(layer, microBatch, sender);
        int elements = Math.toIntExact(frame.shape().elements());
        int tokens = (elements - assignments) / hidden;
        Tensor data = w.own(compute.map(frame.data(), DType.F32, Shape.of(elements)));
        deliveries.add(
            new GradientDelivery(
                data.view(0, Shape.of(tokens, hidden)),
                data.view((long) tokens * hidden, Shape.of(assignments))));
        Shape shape = Shape.of(assignments, hidden);
        Frame result = link.frame(Phase.COMBINE_GRADIENT, layer, microBatch, 0, shape);
        results.add(result);
        outputs.add(w.own(compute.map(result.data(), DType.F32, shape)));
      }
      side.backward(layer, microBatch, deliveries, outputs);
      frames.forEach(Frame::close);
      send(results);
    }
  }

  private List<Frame> receive(Phase phase, int layer, int microBatch) throws InterruptedException {
    List<Frame> frames = new ArrayList<>();
    for (int rank = 0; rank < plan.attentionWorkers(); rank++) {
      frames.add(link.receive(phase, layer, microBatch, Peer.attention(rank)));
    }
    return frames;
  }

  private void send(List<Frame> results) throws InterruptedException {
    for (int rank = 0; rank < results.size(); rank++) {
      link.send(Peer.attention(rank), results.get(rank));
    }
  }

  private double[] gradientSquares() {
    List<Double> squares = new ArrayList<>();
    bank.forEach((layer, expert) -> squares.add(bank.parameters(layer, expert).gradientSquares()));
    return squares.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @Override
  public void close() {
    bank.close();
  }
}
