package org.hetermoe.device;

import org.hetermoe.model.ModelShape;

/**
 * A device whose two kinds of work are as fast as two profiles say: where the sides of a run
 * compute in different types, and it was measured in both.
 *
 * @param attentionSide for the attention side, and all that a step does once
 * @param expertSide for experts
 */
public record SidedProfile(DeviceProfile attentionSide, DeviceProfile expertSide)
    implements DeviceProfile {
  @Override
  public String name() {
    return attentionSide.name();
  }

  @Override
  public boolean attention() {
    return attentionSide.attention();
  }

  @Override
  public long memoryBytes() {
    return attentionSide.memoryBytes();
  }

  @Override
  public double attentionSeconds(ModelShape model, int sequences, int length, Pass pass) {
    return attentionSide.attentionSeconds(model, sequences, length, pass);
  }

  @Override
  public double expertSeconds(ModelShape model, double assignments, Pass pass) {
    return expertSide.expertSeconds(model, assignments, pass);
  }

  @Override
  public double headSeconds(ModelShape model, int tokens, Pass pass) {
    return attentionSide.headSeconds(model, tokens, pass);
  }

  @Override
  public double embeddingSeconds(ModelShape model, int tokens, Pass pass) {
    return attentionSide.embeddingSeconds(model, tokens, pass);
  }

  @Override
  public double optimizerSeconds(long parameters) {
    return attentionSide.optimizerSeconds(parameters);
  }

  @Override
  public double taskSeconds() {
    return attentionSide.taskSeconds();
  }
}
