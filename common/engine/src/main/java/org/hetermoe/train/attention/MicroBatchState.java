package org.hetermoe.train.attention;

import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Holder;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.AttentionLayer;
import org.hetermoe.nn.LanguageHead;
import org.hetermoe.nn.Routing;
import org.hetermoe.schedule.Split;
import org.hetermoe.tensor.DType;
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
    workspace = new Workspace(compute, Holder.ACTIVATIONS);
    ids = workspace.ints(slice.inputs(), slice.tokens());
    targets = workspace.ints(slice.targets(), slice.tokens());
    routed = new RouterStatistics(model.experts());
    routed.addTokens(slice.tokens());
    layers = new LayerState[model.layers()];
  }

  /** What one layer keeps between forward and backward. */
  static final class LayerState implements AutoCloseable {
    private final Workspace workspace;
    final Routing routing;
    AttentionLayer.Activations activations;

    /** I32[T,K] each: which owner returns an assignment's result, and in which row. */
    final Tensor source;

    final Tensor row;
    Returned outputs;

    /** Of the routing weights, [T,K]. */
    Tensor dWeights;

    /** Gradient of {@code normed} through the router, held back until the experts' returns. */
    Tensor gateBranch;

    LayerState(Compute compute, AttentionLayer.Activations activations, Routing routing) {
      this.activations = activations;
      this.routing = routing;
      workspace = new Workspace(compute, Holder.ACTIVATIONS);
      int k = routing.topK();
      source = workspace.ints(routing.source(), routing.tokens(), k);
      row = workspace.ints(routing.row(), routing.tokens(), k);
    }

    /** Makes room for the gradient of the routing weights. */
    void allocateWeightsGradient() {
      dWeights = workspace.f32(routing.tokens(), routing.topK());
    }

    /** Makes room for the gradient through the router. */
    void allocateGateBranch(DType type, int hidden) {
      gateBranch = workspace.tensor(type, routing.tokens(), hidden);
    }

    /** Frees what can be computed again and is not needed to combine the experts' outputs. */
    void keepForCombine() {
      activations
          .workspace()
          .closeAllBut(activations.input(), activations.residual(), activations.weights());
    }

    /** Frees what can be computed again and is not needed to send gradients to the experts. */
    void keepForBackward() {
      activations.workspace().closeAllBut(activations.input(), activations.weights());
    }

    /** Computes what was freed again, to the same bits. */
    void computeAgain(AttentionLayer layer) {
      AttentionLayer.Activations kept = activations;
      activations = layer.forward(kept.workspace().disown(kept.input()), kept.shape());
      kept.close();
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
      workspace.close();
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
