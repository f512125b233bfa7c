package org.hetermoe.cluster;

import org.hetermoe.model.ModelShape;

/**
 * A device that takes a fixed number of times as long as another: what an emulated device is to
 * those that plan for it.
 *
 * @param device the device that is emulated
 * @param timeScale how many times as long
 */
public record SlowedProfile(DeviceProfile device, double timeScale) implements DeviceProfile {
  public SlowedProfile {
    if (!(timeScale > 0) || Double.isInfinite(timeScale)) {
      throw new IllegalArgumentException("a time scale must be positive, is " + timeScale);
    }
  }

  @Override
  public String name() {
    return device.name();
  }

  @Override
  public boolean attention() {
    return device.attention();
  }

  @Override
  public long memoryBytes() {
    return device.memoryBytes();
  }

  @Override
  public double attentionSeconds(ModelShape model, int sequences, int length, Pass pass) {
    return timeScale * device.attentionSeconds(model, sequences, length, pass);
  }

  @Override
  public double expertSeconds(ModelShape model, double assignments, Pass pass) {
    return timeScale * device.expertSeconds(model, assignments, pass);
  }

  @Override
  public double headSeconds(ModelShape model, int tokens, Pass pass) {
    return timeScale * device.headSeconds(model, tokens, pass);
  }

  @Override
  public double embeddingSeconds(ModelShape model, int tokens, Pass pass) {
    return timeScale * device.embeddingSeconds(model, tokens, pass);
  }

  @Override
  public double optimizerSeconds(long parameters) {
    return timeScale * device.optimizerSeconds(parameters);
  }
}
