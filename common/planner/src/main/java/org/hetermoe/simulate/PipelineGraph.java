package org.hetermoe.simulate;

import java.util.List;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.schedule.Task.Direction;

/**
 * The step graph of a pipeline in the order "one forward, one backward": a stage has at most as
 * many micro-batches in flight as there are stages from it to the last. The devices of a stage do
 * the same at the same time, so that one stands for all.
 */
final class PipelineGraph {
  private final List<PipelineStage> stages;
  private final int microBatches;
  private final int parts;
  private final double backwardTraffic;
  private final StepGraph graph;
  private final int[][] forwardEnd;
  private final int[][] forwardStart;
  private final int[][] backwardEnd;
  private final int[][] backwardStart;

  private PipelineGraph(
      List<PipelineStage> stages, int microBatches, int parts, double backwardTraffic) {
    this.stages = stages;
    this.microBatches = microBatches;
    this.parts = parts;
    this.backwardTraffic = backwardTraffic;
    graph = new StepGraph(stages.size(), stages.size());
    forwardStart = new int[stages.size()][microBatches];
    forwardEnd = new int[stages.size()][microBatches];
    backwardStart = new int[stages.size()][microBatches];
    backwardEnd = new int[stages.size()][microBatches];
  }

  /**
   * Builds the graph.
   *
   * @param parts in which a layer's exchange overlaps with its experts
   * @param backwardTraffic how often rows travel in the backward pass
   */
  static StepGraph of(
      List<PipelineStage> stages, int microBatches, int parts, double backwardTraffic) {
    PipelineGraph pipeline = new PipelineGraph(stages, microBatches, parts, backwardTraffic);
    for (int stage = 0; stage < stages.size(); stage++) {
      pipeline.compute(stage);
    }
    pipeline.connect();
    return pipeline.graph;
  }

  private void compute(int stage) {
    // Each part pays its share of the pause, so that a task pays one, as in all other systems.
    graph.pause(stage, stages.get(stage).worker().taskSeconds() / parts);
    int ahead = Math.min(microBatches, stages.size() - 1 - stage);
    for (int microBatch = 0; microBatch < ahead; microBatch++) {
      forward(stage, microBatch);
    }
    for (int microBatch = 0; microBatch < microBatches; microBatch++) {
      if (ahead + microBatch < microBatches) {
        forward(stage, ahead + microBatch);
      }
      backward(stage, microBatch);
    }
    PipelineStage own = stages.get(stage);
    int all = own.costs().layers();
    operation(stage, Label.Kind.REDUCE, own.worker().reduceSeconds() * own.layers() / all);
    operation(
        stage,
        Label.Kind.OPTIMIZER,
        own.worker().optimizerSeconds() * own.layers() / all
            + own.layers() * own.experts() * own.worker().expertOptimizerSeconds());
  }

  private void operation(int stage, Label.Kind kind, double seconds) {
    graph.operation(stage, seconds, Label.code(kind, stage, 0, Direction.FORWARD));
  }

  private void forward(int stage, int microBatch) {
    PipelineStage own = stages.get(stage);
    double entry = own.first() ? own.worker().embedding().forward() : 0;
    forwardStart[stage][microBatch] =
        work(stage, Label.Kind.STAGE, microBatch, Direction.FORWARD, entry);
    int before = lastPart(forwardStart[stage][microBatch]);
    for (int layer = 0; layer < own.layers(); layer++) {
      before = layer(stage, microBatch, Direction.FORWARD, before);
    }
    double exit = own.last() ? own.worker().head().forward() : 0;
    int leaves = work(stage, Label.Kind.HEAD, microBatch, Direction.FORWARD, exit);
    forwardEnd[stage][microBatch] = lastPart(leaves);
    returnTo(stage, microBatch, Direction.FORWARD, before, leaves);
  }

  private void backward(int stage, int microBatch) {
    PipelineStage own = stages.get(stage);
    double entry = own.last() ? own.worker().head().backward() : 0;
    backwardStart[stage][microBatch] =
        work(stage, Label.Kind.HEAD, microBatch, Direction.BACKWARD, entry);
    int before = lastPart(backwardStart[stage][microBatch]);
    for (int layer = 0; layer < own.layers(); layer++) {
      before = layer(stage, microBatch, Direction.BACKWARD, before);
    }
    double exit = own.first() ? own.worker().embedding().backward() : 0;
    int leaves = work(stage, Label.Kind.STAGE, microBatch, Direction.BACKWARD, exit);
    backwardEnd[stage][microBatch] = lastPart(leaves);
    returnTo(stage, microBatch, Direction.BACKWARD, before, leaves);
  }

  /** A task in its parts, one after the other; returns the first of them. */
  private int work(
      int stage, Label.Kind kind, int microBatch, Direction direction, double seconds) {
    int code = Label.code(kind, stage, microBatch, direction);
    int first = graph.operation(stage, seconds / parts, code);
    for (int part = 1; part < parts; part++) {
      graph.operation(stage, seconds / parts, code);
    }
    return first;
  }

  private int lastPart(int first) {
    return first + parts - 1;
  }

  /** One layer: attention, then experts in parts; returns the first of the parts. */
  private int layer(int stage, int microBatch, Direction direction, int before) {
    PipelineStage own = stages.get(stage);
    Passes attention = own.worker().attention();
    Passes experts = own.expertsInParts(parts);
    boolean forward = direction == Direction.FORWARD;
    int attends =
        work(
            stage,
            Label.Kind.ATTENTION,
            microBatch,
            direction,
            forward ? attention.forward() : attention.backward());
    returnTo(stage, microBatch, direction, before, attends);
    double ofPart = forward ? experts.forward() : experts.backward();
    int first = work(stage, Label.Kind.EXPERTS, microBatch, direction, parts * ofPart);
    if (own.width() > 1) {
      // The sends of one operation leave in the reverse of the order in which they are added.
      for (int part = parts - 1; part >= 0; part--) {
        exchange(
            stage, Label.Kind.DISPATCH, microBatch, direction, lastPart(attends), first + part);
      }
    }
    return first;
  }

  /** Experts' rows come back before the layer's successor begins. */
  private void returnTo(
      int stage, int microBatch, Direction direction, int experts, int successor) {
    boolean isLayer = Label.of(graph.label[experts]).kind() == Label.Kind.EXPERTS;
    if (isLayer && stages.get(stage).width() > 1) {
      for (int part = 0; part < parts; part++) {
        exchange(stage, Label.Kind.COMBINE, microBatch, direction, experts + part, successor);
      }
    }
  }

  private void exchange(
      int stage, Label.Kind kind, int microBatch, Direction direction, int from, int to) {
    PipelineStage own = stages.get(stage);
    LinkCosts link = own.worker().link();
    double travels = direction == Direction.FORWARD ? 1 : backwardTraffic;
    double seconds = link.seconds(own.exchangeBytes() * travels / parts);
    int code = Label.code(kind, stage, microBatch, direction);
    graph.connect(
        graph.send(from, stage, seconds, link.latencySeconds(), code),
        graph.delivery(to, stage, seconds, code));
  }

  private void connect() {
    for (int stage = 0; stage + 1 < stages.size(); stage++) {
      for (int microBatch = 0; microBatch < microBatches; microBatch++) {
        transfer(
            stage,
            stage + 1,
            forwardEnd[stage][microBatch],
            forwardStart[stage + 1][microBatch],
            Label.code(Label.Kind.TRANSFER, stage, microBatch, Direction.FORWARD));
        transfer(
            stage + 1,
            stage,
            backwardEnd[stage + 1][microBatch],
            backwardStart[stage][microBatch],
            Label.code(Label.Kind.TRANSFER, stage + 1, microBatch, Direction.BACKWARD));
      }
    }
  }

  private void transfer(int from, int to, int sender, int receiver, int code) {
    PipelineStage sends = stages.get(from);
    PipelineStage receives = stages.get(to);
    LinkCosts link = sends.worker().link();
    graph.connect(
        graph.send(sender, from, link.seconds(sends.transferBytes()), link.latencySeconds(), code),
        graph.delivery(
            receiver, to, receives.worker().link().seconds(sends.transferBytes()), code));
  }
}
