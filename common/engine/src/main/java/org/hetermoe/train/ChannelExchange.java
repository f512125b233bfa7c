package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.hetermoe.channel.Frame;
import org.hetermoe.channel.Phase;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.ExpertExchange;
import org.hetermoe.nn.Routing;
import org.hetermoe.nn.Routing.Share;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * Dispatch and combine over a channel, the attention worker's end. What its frames hold:
 *
 * <pre>
 * DISPATCH           table: assignments per expert, then per assignment its row; data: [t,H] token rows
 * COMBINE            data: [A,H], a row an assignment
 * DISPATCH_GRADIENT  data: t*H gradients of the output rows, then A routing weights; one vector
 * COMBINE_GRADIENT   data: [A,H], a row an assignment
 * </pre>
 */
final class ChannelExchange implements ExpertExchange {
  private final Compute compute;
  private final GroupLink link;
  private final ModelConfig model;
  private List<Owners> owners;

  ChannelExchange(Compute compute, GroupLink link, GroupPlan plan) {
    this.compute = compute;
    this.link = link;
    this.model = plan.model();
    follow(plan);
  }

  /** Sends tokens where this plan places their experts from now on. */
  void follow(GroupPlan plan) {
    owners = Owners.of(plan.placement());
  }

  @Override
  public Routing route(int layer, int[] chosen) {
    Owners here = owners.get(layer);
    return Routing.of(chosen, model.topK(), here.indices(), here.workers().size());
  }

  @Override
  public void dispatch(int layer, int microBatch, Tensor tokens, Routing routing)
      throws InterruptedException {
    List<WorkerRank> workers = owners.get(layer).workers();
    for (int worker = 0; worker < workers.size(); worker++) {
      Share share = routing.shares().get(worker);
      Shape shape = Shape.of(share.tokens().length, model.hidden());
      Frame frame =
          link.frame(
              Phase.DISPATCH,
              layer,
              microBatch,
              share.counts().length + share.assignments(),
              shape);
      writeTable(frame.table(), share);
      try (Workspace w = new Workspace(compute)) {
        Tensor rows = w.own(compute.map(frame.data(), DType.F32, shape));
        compute.gatherRows(tokens, w.ints(share.tokens(), share.tokens().length), null, rows);
        compute.synchronize();
      }
      link.send(workers.get(worker), frame);
    }
  }

  private static void writeTable(MemorySegment table, Share share) {
    int counts = share.counts().length;
    MemorySegment.copy(share.counts(), 0, table, ValueLayout.JAVA_INT, 0, counts);
    MemorySegment.copy(
        share.rows(), 0, table, ValueLayout.JAVA_INT, 4L * counts, share.assignments());
  }

  @Override
  public Returned combine(int layer, int microBatch) throws InterruptedException {
    return receive(Phase.COMBINE, layer, microBatch);
  }

  @Override
  public void dispatchGradient(int layer, int microBatch, Tensor d, Tensor weights, Routing routing)
      throws InterruptedException {
    Tensor weightColumn = weights.view(0, Shape.of(routing.tokens() * routing.topK(), 1));
    List<WorkerRank> workers = owners.get(layer).workers();
    for (int worker = 0; worker < workers.size(); worker++) {
      Share share = routing.shares().get(worker);
      int tokens = share.tokens().length;
      int hidden = model.hidden();
      Shape shape = Shape.of(tokens * hidden + share.assignments());
      Frame frame = link.frame(Phase.DISPATCH_GRADIENT, layer, microBatch, 0, shape);
      try (Workspace w = new Workspace(compute)) {
        Tensor data = w.own(compute.map(frame.data(), DType.F32, shape));
        compute.gatherRows(
            d, w.ints(share.tokens(), tokens), null, data.view(0, Shape.of(tokens, hidden)));
        compute.gatherRows(
            weightColumn,
            w.ints(share.slots(), share.assignments()),
            null,
            data.view((long) tokens * hidden, Shape.of(share.assignments(), 1)));
        compute.synchronize();
      }
      link.send(workers.get(worker), frame);
    }
  }

  @Override
  public Returned combineGradient(int layer, int microBatch) throws InterruptedException {
    return receive(Phase.COMBINE_GRADIENT, layer, microBatch);
  }

  private Returned receive(Phase phase, int layer, int microBatch) throws InterruptedException {
    List<Tensor> rows = new ArrayList<>();
    List<Frame> held = new ArrayList<>();
    for (WorkerRank worker : owners.get(layer).workers()) {
      Frame frame = link.receive(phase, layer, microBatch, worker);
      rows.add(compute.map(frame.data(), DType.F32, frame.shape()));
      held.add(frame);
    }
    return new Returned(
        rows,
        () -> {
          rows.forEach(Tensor::close);
          held.forEach(Frame::close);
        });
  }
}
