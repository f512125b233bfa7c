package org.hetermoe.device;

import org.hetermoe.model.ModelShape;

/**
 * How fast a kind of device is at each part of a training step (paper §5). All times are seconds of
 * the device computing alone.
 */
public interface DeviceProfile {
  /** What the kind is called: {@code A40}. */
  String name();

  /** Whether the device can compute attention; one that cannot takes experts only. */
  boolean attention();

  /** Memory of the device, bytes. */
  long memoryBytes();

  /** One layer's attention side: norms, projections, attention, gate, shared experts. */
  double attentionSeconds(ModelShape model, int sequences, int length, Pass pass);

  /**
   * One routed expert of one layer.
   *
   * @param assignments rows that it computes; 0 takes no time
   */
  double expertSeconds(ModelShape model, double assignments, Pass pass);

  /** Final norm, head and loss of so many tokens. */
  double headSeconds(ModelShape model, int tokens, Pass pass);

  /** Embedding of so many tokens. */
  double embeddingSeconds(ModelShape model, int tokens, Pass pass);

  /** The optimizer's step over so many parameters. */
  double optimizerSeconds(long parameters);

  /**
   * What passes before each task of a schedule, the device idle: the host learns how many rows came
   * and starts the kernels.
   */
  double taskSeconds();
}
