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
 * @param expertBytes taken by each expert that it owns in any layer: parameters, gradients,
 *     optimizer state, and the activations of its mean rows
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
    long expertBytes) {
  /** A worker whose tasks start at once. */
  public WorkerCosts(
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
      long memoryBytes,
      long residentBytes,
      long expertBytes) {
    this(
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
        0,
        memoryBytes,
        residentBytes,
        expertBytes);
  }

  /** How many experts of all layers together its memory holds. */
  public long mostExperts() {
    return expertBytes <= 0
        ? Long.MAX_VALUE
        : Math.max(0, (memoryBytes - residentBytes) / expertBytes);
  }
}
