package org.hetermoe.device;

import com.fasterxml.jackson.annotation.JsonIgnore;
import org.hetermoe.model.ModelShape;

/**
 * What a real device was measured to take (paper §5). It answers for any model: each part's time is
 * looked up by its work in a curve that was measured at several sizes, forward and backward apart.
 * Work is the floating-point operations of the forward ({@link LayerWork}); the embedding's is
 * elements, the optimizer's parameters. The attention side is the sum of two parts, because
 * projections grow with the length and attention with its square.
 *
 * @param name what the device calls itself: {@code cpu (oneDNN 3.11, 2 threads)}
 * @param memoryBytes that the process may use
 * @param projections norms, projections and gate of a layer, by operations of the projections
 * @param attention the attention itself, by its operations
 * @param expert one expert, by its operations
 * @param head final norm, head and loss, by operations of the head
 * @param embedding by elements
 * @param optimizer by parameters
 */
public record MeasuredProfile(
    String name,
    long memoryBytes,
    BothPasses projections,
    BothPasses attention,
    BothPasses expert,
    BothPasses head,
    BothPasses embedding,
    WorkCurve optimizer) {

  /** The curves of a part. */
  public record BothPasses(WorkCurve forward, WorkCurve backward) {
    /** Seconds of so much work of the forward in a pass. */
    public double seconds(double work, Pass pass) {
      return switch (pass) {
        case FORWARD -> forward.seconds(work);
        case BACKWARD -> backward.seconds(work);
      };
    }
  }

  /** The same numbers as a profile. */
  @JsonIgnore
  public DeviceProfile profile() {
    return new Answers(this);
  }

  private record Answers(MeasuredProfile measured) implements DeviceProfile {
    @Override
    public String name() {
      return measured.name;
    }

    @Override
    public boolean attention() {
      return true;
    }

    @Override
    public long memoryBytes() {
      return measured.memoryBytes;
    }

    @Override
    public double attentionSeconds(ModelShape model, int sequences, int length, Pass pass) {
      long tokens = (long) sequences * length;
      return measured.projections.seconds(LayerWork.projections(model, tokens), pass)
          + measured.attention.seconds(LayerWork.attention(model, sequences, length), pass);
    }

    @Override
    public double expertSeconds(ModelShape model, double assignments, Pass pass) {
      return measured.expert.seconds(LayerWork.expert(model, assignments), pass);
    }

    @Override
    public double headSeconds(ModelShape model, int tokens, Pass pass) {
      return measured.head.seconds(LayerWork.head(model, tokens), pass);
    }

    @Override
    public double embeddingSeconds(ModelShape model, int tokens, Pass pass) {
      return measured.embedding.seconds((double) tokens * model.hidden(), pass);
    }

    @Override
    public double optimizerSeconds(long parameters) {
      return measured.optimizer.seconds((double) parameters);
    }

    /** What was measured began when the host started it. */
    @Override
    public double taskSeconds() {
      return 0;
    }
  }
}
