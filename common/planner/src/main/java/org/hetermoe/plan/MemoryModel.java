package org.hetermoe.plan;

import org.hetermoe.model.ModelShape;

/**
 * Bytes of a device's memory that a step takes: parameters, gradients and the optimizer's state,
 * activations from a forward to its backward, and what is at work when most is held.
 *
 * <p>Without recomputation this counts what the workers of {@code train} hold, tensor by tensor, at
 * the peak: on the attention side the head of the last micro-batch, or the first backward of a
 * layer after it; on the expert side the first backward. Rows that have come over the channel count
 * as long as the worker reads them. With recomputation a layer keeps its input.
 */
public final class MemoryModel {
  /**
   * Activations of a token at work on the attention side of one layer, in widths of the residual
   * stream.
   */
  private static final int WORKING_WIDTHS = 12;

  private final StepSpec step;
  private final ModelShape model;
  private final Training training;
  private final long bytes;
  private final long hidden;
  private final long queryWidth;
  private final long kvWidth;

  /** The memory of a step. */
  public MemoryModel(StepSpec step) {
    this.step = step;
    model = step.model();
    training = step.training();
    bytes = training.type().bytes();
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
        training.recompute()
            ? flights * bytes * recomputedWidths(split) + recomputing(tokens)
            : flights * bytes * keptNumbers() + peak(tokens);
    return training.runtime().reservedBytes()
        + parameters * training.parameterBytes()
        + parameters * training.optimizerBytes() / (training.shardedOptimizer() ? workers : 1)
        + Math.round(held);
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

  /** Numbers that a token leaves on the attention side, all layers, until the head is reached. */
  private double keptNumbers() {
    long attention = 4 * hidden + 2 * queryWidth + 2 * kvWidth + model.heads() + 2;
    long routing = 1 + 2L * model.experts() + 4L * model.topK();
    long outputs = model.topK() * hidden;
    return model.layers() * (attention + routing + 3.0 * model.sharedWidth())
        + (model.layers() - 1) * outputs
        + model.denseLayers() * (attention + 3.0 * model.denseWidth())
        + 2; // id and target
  }

  /**
   * What is held above {@link #keptNumbers} when most is held. A micro-batch that has been through
   * the head has given its last layer's outputs back, and holds two gradients.
   */
  private double peak(double tokens) {
    double outputs = (double) model.topK() * hidden;
    double gradients = 2 * hidden + model.topK();
    double head =
        (step.microBatches() - 1) * gradients + outputs + 4 * hidden + model.vocabulary() + 3;
    double backward =
        step.microBatches() * gradients
            + Math.max(outputs, 2.0 * queryWidth + 2.0 * kvWidth + hidden);
    double rotary = (double) step.length() * model.headDim();
    return bytes * (rotary + tokens * Math.max(head, backward));
  }

  /** Numbers of a token that has been through the head: two gradients, and those of its weights. */
  private double gradients() {
    return 2.0 * hidden + model.topK();
  }

  /** Of {@link #attentionBytes} those that are given back when experts work backward. */
  long attentionWorkingBytes(double sequences) {
    double tokens = sequences * step.length();
    return training.recompute()
        ? 0
        : Math.round(peak(tokens) - bytes * tokens * step.microBatches() * gradients());
  }

  /**
   * Bytes of an expert worker without its experts.
   *
   * @param workers expert workers of the group, over which experts are spread
   * @param senders attention workers of the group
   */
  public long expertWorkerBytes(int workers, int senders) {
    double working =
        training.recompute()
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
    return training.recompute()
        ? 0
        : Math.round(meanShare(workers) * expertWorkingRowBytes(workers, senders));
  }

  /**
   * Bytes at work in the backward pass of a layer's experts for each of their rows: gradients of
   * outputs, inner activations and inputs, and the tokens' gradients as they came, each once for
   * all experts of a worker. Of several senders the rows are put in the order of experts first.
   */
  double expertWorkingRowBytes(int workers, int senders) {
    if (training.recompute()) {
      return 0;
    }
    double mine = (double) model.experts() / Math.max(1, workers);
    double tokensOfRow = distinct(mine) * Math.max(1, workers) / model.topK();
    return bytes
        * (2.0 * hidden
            + model.expertWidth()
            + 1
            + tokensOfRow * hidden
            + (senders > 1 ? hidden : 0));
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
    return model.expertParameters() * training.stateBytes();
  }

  /** Bytes that each row of an expert keeps from its forward to its backward. */
  public double expertRowBytes() {
    return (double) bytes * (training.recompute() ? hidden : hidden + 3L * model.expertWidth() + 1);
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
    return training.runtime().reservedBytes()
        + (replicated + owned) * training.parameterBytes()
        + (replicated / replicas + owned) * training.optimizerBytes()
        + (long) tokens * inFlight * bytes * layers * (training.recompute() ? hidden : layerWidths)
        + Math.max(logits, tokens * bytes * layerWidths);
  }
}
