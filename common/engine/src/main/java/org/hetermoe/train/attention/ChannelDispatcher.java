package org.hetermoe.train.attention;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.hetermoe.channel.Phase;
import org.hetermoe.channel.Subject;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.nn.Routing;
import org.hetermoe.nn.Routing.Share;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.tensor.DType;
import org.hetermoe.train.step.Mode;
import org.hetermoe.train.step.RankChannel;
import org.hetermoe.train.step.RankChannel.Incoming;
import org.hetermoe.train.step.RankChannel.Outgoing;

/**
 * Dispatch and combine over a channel, the attention rank's end. What its frames hold:
 *
 * <pre>
 * DISPATCH           table: assignments per expert, then per assignment its row; data: [t,H] token rows
 * COMBINE            data: [A,H], a row an assignment
 * DISPATCH_GRADIENT  data: t*H gradients of the output rows, then A routing weights; one vector
 * COMBINE_GRADIENT   data: [A,H], a row an assignment
 * </pre>
 */
final class ChannelDispatcher implements TokenDispatcher {
  private final RankChannel channel;
  private final TokenPacking packing;
  private final DType frameType;
  private final int topK;
  private List<LayerOwners> owners;

  ChannelDispatcher(Compute compute, RankChannel channel, GroupPlan plan) {
    this.channel = channel;
    this.packing = new TokenPacking(compute, plan.model().hidden());
    this.frameType = plan.precision().dispatch();
    this.topK = plan.model().topK();
    follow(plan);
  }

  /** Sends tokens where this plan places their experts from now on. */
  void follow(GroupPlan plan) {
    owners = LayerOwners.of(plan.placement());
  }

  @Override
  public Routing route(int layer, int[] chosen) {
    LayerOwners here = owners.get(layer);
    return Routing.of(chosen, topK, here.indices(), here.workers().size());
  }

  @Override
  public void dispatch(Mode mode, int layer, int microBatch, Tensor tokens, Routing routing)
      throws InterruptedException {
    Subject subject = new Subject.MicroBatch(layer, microBatch);
    List<WorkerRank> workers = owners.get(layer).workers();
    for (int worker = 0; worker < workers.size(); worker++) {
      Share share = routing.shares().get(worker);
      int tableSize = share.counts().length + share.assignments();
      Outgoing outgoing =
          channel.outgoing(
              mode.dispatch(), subject, tableSize, frameType, packing.tokenRows(share));
      writeTable(outgoing.table(), share);
      packing.packTokens(tokens, share, outgoing.tensor());
      outgoing.send(workers.get(worker));
    }
  }

  private static void writeTable(MemorySegment table, Share share) {
    int counts = share.counts().length;
    MemorySegment.copy(share.counts(), 0, table, ValueLayout.JAVA_INT, 0, counts);
    MemorySegment.copy(
        share.rows(), 0, table, ValueLayout.JAVA_INT, 4L * counts, share.assignments());
  }

  @Override
  public Returned combine(Mode mode, int layer, int microBatch) throws InterruptedException {
    return receive(mode.combine(), layer, microBatch);
  }

  @Override
  public void dispatchGradient(int layer, int microBatch, Tensor d, Tensor weights, Routing routing)
      throws InterruptedException {
    Subject subject = new Subject.MicroBatch(layer, microBatch);
    List<WorkerRank> workers = owners.get(layer).workers();
    for (int worker = 0; worker < workers.size(); worker++) {
      Share share = routing.shares().get(worker);
      Outgoing outgoing =
          channel.outgoing(
              Phase.DISPATCH_GRADIENT, subject, 0, frameType, packing.gradients(share));
      packing.packGradients(d, weights, routing, share, outgoing.tensor());
      outgoing.send(workers.get(worker));
    }
  }

  @Override
  public Returned combineGradient(int layer, int microBatch) throws InterruptedException {
    return receive(Phase.COMBINE_GRADIENT, layer, microBatch);
  }

  private Returned receive(Phase phase, int layer, int microBatch) throws InterruptedException {
    Subject subject = new Subject.MicroBatch(layer, microBatch);
    List<Incoming> received = new ArrayList<>();
    for (WorkerRank worker : owners.get(layer).workers()) {
      received.add(channel.receive(phase, subject, worker));
    }
    return new Returned(
        received.stream().map(Incoming::tensor).toList(), () -> received.forEach(Incoming::close));
  }
}
