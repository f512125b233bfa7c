package org.hetermoe.device;

import org.hetermoe.model.ModelShape;

/**
 * What an emulated device is to those that keep its pace and those that plan for it: a device that
 * takes a fixed number of times as long, for a model that is wider and sequences that are longer
 * than those that are computed. Only wide models and long sequences keep a large device busy; so
 * small ones can stand for them.
 *
 * @param device the device that is emulated
 * @param time how many times as long
 * @param width how many times wider the residual stream, heads and experts are
 * @param length how many times longer sequences are
 */
public record ScaledProfile(DeviceProfile device, double time, int width, int length)
    implements DeviceProfile {
  public ScaledProfile {
    if (!(time > 0) || Double.isInfinite(time) || width < 1 || length < 1) {
      throw new IllegalArgumentException(
          "scales must be positive, are " + time + ", " + width + " and " + length);
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
  public double attentionSeconds(ModelShape model, int sequences, int tokens, Pass pass) {
    return time * device.attentionSeconds(wide(model), sequences, length * tokens, pass);
  }

  @Override
  public double expertSeconds(ModelShape model, double assignments, Pass pass) {
    return time * device.expertSeconds(wide(model), length * assignments, pass);
  }

  @Override
  public double headSeconds(ModelShape model, int tokens, Pass pass) {
    return time * device.headSeconds(wide(model), length * tokens, pass);
  }

  @Override
  public double embeddingSeconds(ModelShape model, int tokens, Pass pass) {
    return time * device.embeddingSeconds(wide(model), length * tokens, pass);
  }

  @Override
  public double optimizerSeconds(long parameters) {
    return time * device.optimizerSeconds((long) width * width * parameters);
  }

  @Override
  public double taskSeconds() {
    return time * device.taskSeconds();
  }

  private ModelShape wide(ModelShape model) {
    return new ModelShape(
        model.name(),
        model.vocabulary(),
        width * model.hidden(),
        model.layers(),
        model.heads(),
        model.kvHeads(),
        width * model.headDim(),
        model.experts(),
        model.topK(),
        width * model.expertWidth(),
        width * model.sharedWidth(),
        model.denseLayers(),
        width * model.denseWidth(),
        model.tiedEmbeddings());
  }
}
