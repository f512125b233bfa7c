package org.hetermoe.plan;

/**
 * What one worker of a ZP group takes for its part of a step, in seconds and bytes.
 *
 * @param device kind of its device, for reports
 * @param attention one layer's attention side of its share of one micro-batch; none for an expert
 *     worker
 * @param embedding of its share of one micro-batch
 * @param head final norm, head and loss of its share of one micro-batch
 * @param experts one routed expert
 * @param reduceSeconds reduction of its gradients among replicas, once a step
 * @param optimizerSeconds step of the parameters that it holds whatever the placement, once a step
 * @param expertOptimizerSeconds step of one expert's parameters, once a step
 * @param tokens of its share of one micro-batch; 0 for an expert worker
 * @param link of the worker with the network
 * @param taskSeconds before each task, the device idle: the host learns how many rows came and
 *     starts the kernels
 * @param memoryBytes of the device that the run may use
 * @param residentBytes taken whatever the placement: replicated parameters with gradients and
 *     optimizer state, activations of all micro-batches in flight, working space
 * @param expertBytes taken by each expert that it owns in any layer: parameters, gradients and
 *     optimizer state
 * @param expertRowBytes kept for each row that its experts compute, from forward to backward
 * @param workingBytes of the resident ones, what is at work when most is held, with its mean share
 *     of rows; 0 where that does not depend on the placement
 * @param workingRowBytes what is at work for each row that its experts compute of one layer
 */
public record WorkerCosts(
    String device,
    Passes attention,
    Passes embedding,
    Passes head,
    ExpertCosts experts,
    double reduceSeconds,
    double optimizerSeconds,
    double expertOptimizerSeconds,
    int tokens,
    LinkCosts link,
    double taskSeconds,
    long memoryBytes,
    long residentBytes,
    long expertBytes,
    double expertRowBytes,
    long workingBytes,
    double workingRowBytes) {
  /** The same with other seconds of computing. */
  public WorkerCosts withSeconds(
      Passes newAttention, Passes newEmbedding, Passes newHead, ExpertCosts newExperts) {
    return new WorkerCosts(
        device,
        newAttention,
        newEmbedding,
        newHead,
        newExperts,
        reduceSeconds,
        optimizerSeconds,
        expertOptimizerSeconds,
        tokens,
        link,
        taskSeconds,
        memoryBytes,
        residentBytes,
        expertBytes,
        expertRowBytes,
        workingBytes,
        workingRowBytes);
  }

  /** The same with another part of a micro-batch, whose tasks pause for so long. */
  public WorkerCosts withTokens(int newTokens, double newTaskSeconds) {
    return new WorkerCosts(
        device,
        attention,
        embedding,
        head,
        experts,
        reduceSeconds,
        optimizerSeconds,
        expertOptimizerSeconds,
        newTokens,
        link,
        newTaskSeconds,
        memoryBytes,
        residentBytes,
        expertBytes,
        expertRowBytes,
        workingBytes,
        workingRowBytes);
  }

  /** The same on a device that holds any number of experts. */
  public WorkerCosts withBoundlessMemory() {
    return new WorkerCosts(
        device,
        attention,
        embedding,
        head,
        experts,
        reduceSeconds,
        optimizerSeconds,
        expertOptimizerSeconds,
        tokens,
        link,
        taskSeconds,
        memoryBytes,
        residentBytes,
        0,
        0,
        workingBytes,
        workingRowBytes);
  }

  /** Whether it only computes experts. */
  boolean expertOnly() {
    return tokens == 0;
  }

  /** Bytes that an expert takes which computes so many rows in a step. */
  public long bytesOfExpert(double rowsOfStep) {
    return expertBytes + Math.round(rowsOfStep * expertRowBytes);
  }
}
