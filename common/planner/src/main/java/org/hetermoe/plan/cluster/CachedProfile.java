package org.hetermoe.plan.cluster;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.model.ModelShape;

/** A profile that works each time out once: a search asks for the same ones again and again. */
final class CachedProfile implements DeviceProfile {
  private final DeviceProfile profile;
  private final Map<Question, Double> answers = new HashMap<>();

  CachedProfile(DeviceProfile profile) {
    this.profile = profile;
  }

  private enum Part {
    ATTENTION,
    EXPERT,
    HEAD,
    EMBEDDING,
    OPTIMIZER
  }

  private record Question(Part part, ModelShape model, double amount, int length, Pass pass) {}

  private double answer(Question question, Supplier<Double> profiled) {
    Double known = answers.get(question);
    if (known == null) {
      known = profiled.get();
      answers.put(question, known);
    }
    return known;
  }

  @Override
  public String name() {
    return profile.name();
  }

  @Override
  public boolean attention() {
    return profile.attention();
  }

  @Override
  public long memoryBytes() {
    return profile.memoryBytes();
  }

  @Override
  public double attentionSeconds(ModelShape model, int sequences, int length, Pass pass) {
    return answer(
        new Question(Part.ATTENTION, model, sequences, length, pass),
        () -> profile.attentionSeconds(model, sequences, length, pass));
  }

  @Override
  public double expertSeconds(ModelShape model, double assignments, Pass pass) {
    return answer(
        new Question(Part.EXPERT, model, assignments, 0, pass),
        () -> profile.expertSeconds(model, assignments, pass));
  }

  @Override
  public double headSeconds(ModelShape model, int tokens, Pass pass) {
    return answer(
        new Question(Part.HEAD, model, tokens, 0, pass),
        () -> profile.headSeconds(model, tokens, pass));
  }

  @Override
  public double embeddingSeconds(ModelShape model, int tokens, Pass pass) {
    return answer(
        new Question(Part.EMBEDDING, model, tokens, 0, pass),
        () -> profile.embeddingSeconds(model, tokens, pass));
  }

  @Override
  public double optimizerSeconds(long parameters) {
    return answer(
        new Question(Part.OPTIMIZER, null, parameters, 0, Pass.FORWARD),
        () -> profile.optimizerSeconds(parameters));
  }

  @Override
  public double taskSeconds() {
    return profile.taskSeconds();
  }
}
