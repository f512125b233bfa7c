package org.hetermoe.train.attention;

import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.AttentionLayer;
import org.hetermoe.nn.LanguageHead;
import org.hetermoe.nn.Routing;
import org.hetermoe.schedule.Split;
import org.hetermoe.train.attention.TokenDispatcher.Returned;
import org.hetermoe.train.step.BatchTotals;
import org.hetermoe.train.step.Mode;
import org.hetermoe.train.step.RouterStatistics;

/** One micro-batch on its way: what the tasks of the attention side leave for those that follow. */
final class MicroBatchState implements AutoCloseable {
  final Split sequences;
  final Mode mode;
  final BatchTotals totals;
  final AttentionShape shape;
  final Workspace workspace;

  /** I32[T] each. */
  final Tensor ids;

  final Tensor targets;
  final RouterStatistics routed;
  final LayerState[] layers;
  LanguageHead.Activations head;

  /** Of the stage's output on the way back, [T,H]. */
  Tensor gradient;

  /** Of each expert's probability by the load-balancing loss, [E]. */
  Tensor balance;

  double crossEntropySum;

  MicroBatchState(
      Compute compute,
      ModelConfig model,
      SequenceBatch slice,
      Split sequences,
      BatchTotals totals,
      Mode mode) {
    this.sequences = sequences;
    this.totals = totals;
    this.mode = mode;
    shape =
        new AttentionShape(
            slice.sequences(), slice.length(), model.heads(), model.kvHeads(), model.headDim());
    workspace = new Workspace(compute);
    ids = workspace.ints(slice.inputs(), slice.tokens());
    targets = workspace.ints(slice.targets(), slice.tokens());
    routed = new RouterStatistics(model.experts());
    routed.addTokens(slice.tokens());
    layers = new LayerState[model.layers()];
  }

  /** What one layer keeps between forward and backward. */
  static final class LayerState implements AutoCloseable {
    final AttentionLayer.Activations activations;
    final Routing routing;

    /** I32[T,K] each: which owner returns an assignment's result, and in which row. */
    final Tensor source;

    final Tensor row;
    Returned outputs;

    /** Gradient of {@code normed} through the router, held back until the experts' returns. */
    Tensor gateBranch;

    LayerState(AttentionLayer.Activations activations, Routing routing) {
      this.activations = activations;
      this.routing = routing;
      int k = routing.topK();
      source = activations.workspace().ints(routing.source(), routing.tokens(), k);
      row = activations.workspace().ints(routing.row(), routing.tokens(), k);
    }

    void releaseOutputs() {
      if (outputs != null) {
        outputs.close();
        outputs = null;
      }
    }

    @Override
    public void close() {
      releaseOutputs();
      activations.close();
    }
  }

  /** Frees what a layer has kept. */
  void release(int layer) {
    layers[layer].close();
    layers[layer] = null;
  }

  /** Frees what the head has kept. */
  void releaseHead() {
    head.close();
    head = null;
  }

  @Override
  public void close() {
    for (LayerState state : layers) {
      if (state != null) {
        state.close();
      }
    }
    if (head != null) {
      head.close();
    }
    workspace.close();
  }
}
