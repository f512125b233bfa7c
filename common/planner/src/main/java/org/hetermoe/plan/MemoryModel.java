package org.hetermoe.plan;

import org.hetermoe.model.ModelShape;
import org.hetermoe.tensor.DType;

/**
 * Bytes of a device's memory that a step takes: parameters, gradients and the optimizer's state,
 * activations from a forward to its backward, and what is at work when most is held.
 *
 * <p>For the services this counts what workers hold, tensor by tensor, at the peak: on the
 * attention side the head of the last micro-batch, or the first backward of a layer after it; on
 * the expert side the first backward. Rows that have come over the channel count as long as the
 * worker reads them. Elsewhere it estimates, of a runtime that keeps the input of each layer.
 */
public final class MemoryModel {
  /**
   * Activations of a token at work on the attention side of one layer, in widths of the residual
   * stream.
   */
  private static final int WORKING_WIDTHS = 12;

  /**
   * Bytes of a number that is one for a row, an expert or a choice, whatever a side computes in.
   */
  private static final long WORD = Float.BYTES;

  private final StepSpec step;
  private final ModelShape model;
  private final Training training;

  /** Bytes of a number of the attention side, of experts, and of frames to experts and back. */
  private final long bytes;

  private final long expertBytes;
  private final long dispatchBytes;
  private final long combineBytes;
  private final long hidden;
  private final long queryWidth;
  private final long kvWidth;

  /** The memory of a step. */
  public MemoryModel(StepSpec step) {
    this.step = step;
    model = step.model();
    training = step.training();
    bytes = training.precision().attention().bytes();
    expertBytes = training.precision().experts().bytes();
    dispatchBytes = training.precision().dispatch().bytes();
    combineBytes = training.precision().combine().bytes();
    hidden = model.hidden();
    queryWidth = (long) model.heads() * model.headDim();
    kvWidth = (long) model.kvHeads() * model.headDim();
  }

  /**
   * Bytes of an attention worker without experts.
   *
   * @param sequences its share of a micro-batch, the mean of all
   * @param workers attention workers of the group
   * @param split whether experts are other workers' task, so that what they give back is kept for
   *     the gate's gradient; where one worker does both it is computed again
   */
  public long attentionBytes(double sequences, int workers, boolean split) {
    double tokens = sequences * step.length();
    double flights = tokens * step.microBatches();
    long parameters = model.residentParameters();
    double held =
        estimated()
            ? flights * bytes * recomputedWidths(split) + recomputing(tokens)
            : flights * keptBytes() + peak(tokens);
    DType type = training.precision().attention();
    return training.runtime().reservedBytes()
        + parameters * training.parameterBytes(type)
        + parameters * training.optimizerBytes(type) / (training.shardedOptimizer() ? workers : 1)
        + Math.round(held);
  }

  private boolean estimated() {
    return training.accounting() == Training.Accounting.WIDTHS;
  }

  /** What checkpoints keep of a token: inputs of layers and head, and the outputs of experts. */
  private double recomputedWidths(boolean split) {
    long rows = model.layers() * (1L + (split ? model.topK() : 0)) + model.denseLayers() + 1;
    return (double) hidden * rows;
  }

  private double recomputing(double tokens) {
    double layer = tokens * bytes * WORKING_WIDTHS * hidden + oneExpert();
    return Math.max(2 * tokens * bytes * model.vocabulary(), layer);
  }

  /** Bytes that a token leaves on the attention side, all layers, until the head is reached. */
  private double keptBytes() {
    double shared = 3.0 * bytes * model.layers() * model.sharedWidth();
    double dense = model.denseLayers() * (layerBytes() + 3.0 * bytes * model.denseWidth());
    double layer =
        training.recompute().attention()
            ? bytes * hidden + WORD * model.topK()
            : layerBytes() + routerBytes();
    return model.layers() * (layer + WORD * 2.0 * model.topK())
        + shared
        + (model.layers() - 1) * outputBytes()
        + dense
        + WORD * 2; // id and target
  }

  /** What a token leaves in a layer up to its second norm. */
  private double layerBytes() {
    return bytes * (4.0 * hidden + 2.0 * queryWidth + 2.0 * kvWidth) + WORD * (model.heads() + 2.0);
  }

  /** What the router leaves of a token: logits, probabilities and their sum, choices, weights. */
  private double routerBytes() {
    return WORD * (1.0 + 2.0 * model.experts() + 2.0 * model.topK());
  }

  /** What experts return of a token in a layer. */
  private double outputBytes() {
    return (double) combineBytes * model.topK() * hidden;
  }

  /**
   * What is held above {@link #keptBytes} when most is held. A micro-batch that has been through
   * the head has given its last layer's outputs back, and holds its gradients. A layer that is
   * computed again is there as a whole while its backward runs, and only then the gate's gradient.
   */
  private double peak(double tokens) {
    double head =
        (step.microBatches() - 1) * gradientBytes()
            + outputBytes()
            + bytes * (4.0 * hidden + model.vocabulary())
            + WORD * 3;
    double again = training.recompute().attention() ? layerBytes() + routerBytes() : 0;
    double working = bytes * (2.0 * queryWidth + 2.0 * kvWidth + hidden);
    double backward =
        step.microBatches() * gradientBytes() + again + Math.max(outputBytes(), working);
    double rotary = WORD * (double) step.length() * model.headDim();
    return rotary + tokens * Math.max(head, backward);
  }

  /**
   * Bytes of a token that has been through the head: the gradients of its output, of its weights,
   * and that through the gate, which waits for the layer to be computed again where it is.
   */
  private double gradientBytes() {
    double gate = training.recompute().attention() ? 0 : bytes * hidden;
    return bytes * hidden + gate + WORD * model.topK();
  }

  /** Of {@link #attentionBytes} those that are given back when experts work backward. */
  long attentionWorkingBytes(double sequences) {
    double tokens = sequences * step.length();
    return estimated()
        ? 0
        : Math.round(peak(tokens) - tokens * step.microBatches() * gradientBytes());
  }

  /**
   * Bytes of an expert worker without its experts.
   *
   * @param workers expert workers of the group, over which experts are spread
   * @param senders attention workers of the group
   */
  public long expertWorkerBytes(int workers, int senders) {
    double working =
        estimated()
            ? 2 * meanShare(workers) * bytes * hidden + oneExpert()
            : expertWorkingBytes(workers, senders);
    return training.runtime().reservedBytes() + Math.round(working);
  }

  /** Rows of a micro-batch that an expert worker computes of a layer, at most on average. */
  private double meanShare(int workers) {
    int mine = Math.ceilDiv(model.experts(), Math.max(1, workers));
    return step.meanTokens() * model.topK() / Math.max(1, workers) * step.loads().hottestMean(mine);
  }

  /** Of {@link #expertWorkerBytes} those that depend on the worker's rows of a layer. */
  long expertWorkingBytes(int workers, int senders) {
    return estimated()
        ? 0
        : Math.round(meanShare(workers) * expertWorkingRowBytes(workers, senders));
  }

  /**
   * Bytes at work in the backward pass of a layer's experts for each of their rows: gradients of
   * outputs, inner activations and inputs, and the tokens' gradients as they came, each once for
   * all experts of a worker. Of several senders the rows are put in the order of experts first, and
   * where frames are of another type they are converted; gate, up and their product are there again
   * where they were not kept.
   */
  double expertWorkingRowBytes(int workers, int senders) {
    if (estimated()) {
      return 0;
    }
    double mine = (double) model.experts() / Math.max(1, workers);
    double tokensOfRow = distinct(mine) * Math.max(1, workers) / model.topK();
    boolean apart = senders > 1 || combineBytes != expertBytes;
    return expertBytes * ((apart ? 2.0 : 1.0) * hidden + model.expertWidth())
        + (double) combineBytes * hidden
        + dispatchBytes * (tokensOfRow * hidden + 1)
        + (training.recompute().experts() ? expertBytes * 3.0 * model.expertWidth() : 0);
  }

  /** Share of tokens of which at least one expert is among so many, experts chosen evenly. */
  private double distinct(double experts) {
    double none = 1;
    for (int chosen = 0; chosen < model.topK(); chosen++) {
      double left = model.experts() - chosen;
      none *= Math.max(0, left - experts) / left;
    }
    return 1 - none;
  }

  /** The hottest expert at work: rows in and out, gate, up and their product. */
  private double oneExpert() {
    return step.meanRows()
        * step.loads().hottestMean(1)
        * bytes
        * (2L * hidden + 3L * model.expertWidth());
  }

  /** Bytes of an expert's parameters, their gradients and the optimizer's state. */
  public long expertBytes() {
    return model.expertParameters() * training.expertStateBytes();
  }

  /** Bytes that each row of an expert keeps from its forward to its backward. */
  public double expertRowBytes() {
    if (estimated()) {
      return (double) bytes * hidden;
    }
    double inner = training.recompute().experts() ? 0 : 3.0 * model.expertWidth();
    return expertBytes * (hidden + inner) + WORD;
  }

  /**
   * Bytes of a device that has some layers with part of their experts: a stage of a pipeline.
   *
   * @param layers that it has
   * @param experts of each that it owns
   * @param tokens of its micro-batch
   * @param inFlight micro-batches whose activations it keeps
   * @param replicas that have the same layers
   * @param vocabulary whether it has the embedding or the head
   * @param head whether it has the head
   */
  public long stageBytes(
      int layers,
      int experts,
      int tokens,
      int inFlight,
      int replicas,
      boolean vocabulary,
      boolean head) {
    long table = vocabulary ? (long) model.vocabulary() * hidden : 0;
    long replicated = layers * model.attentionParameters() + table;
    long owned = (long) layers * experts * model.expertParameters();
    long expertWidths = (long) model.topK() * (2L * hidden + 3L * model.expertWidth());
    long layerWidths = WORKING_WIDTHS * hidden + expertWidths;
    long logits = head ? 2L * tokens * bytes * model.vocabulary() : 0;
    DType type = training.precision().attention();
    boolean inputs = training.recompute().attention();
    return training.runtime().reservedBytes()
        + (replicated + owned) * training.parameterBytes(type)
        + (replicated / replicas + owned) * training.optimizerBytes(type)
        + (long) tokens * inFlight * bytes * layers * (inputs ? hidden : layerWidths)
        + Math.max(logits, tokens * bytes * layerWidths);
  }
}
