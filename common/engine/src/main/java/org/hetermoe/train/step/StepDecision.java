package org.hetermoe.train.step;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;

/**
 * What attention rank 0 makes of all reports at the end of a step, and tells everybody.
 *
 * @param gradientNorm global, before clipping; not finite if the step is skipped
 * @param skipped whether gradients overflow: nobody updates anything
 * @param clip factor on all gradients, which takes the scale of the loss from them
 * @param after what follows the step
 */
public record StepDecision(
    double gradientNorm, boolean skipped, double clip, StepPolicy.AfterStep after) {
  /** How it travels. */
  static final MessageCodec<StepDecision> CODEC =
      new MessageCodec<>("step decision", 2, StepDecision::write, StepDecision::read);

  private void write(DataOutput out) throws IOException {
    out.writeDouble(gradientNorm);
    out.writeBoolean(skipped);
    out.writeDouble(clip);
    out.writeBoolean(after.last());
    out.writeInt(after.evaluationSequences());
    out.writeBoolean(after.checkpoint());
    out.writeBoolean(after.placement().isPresent());
    if (after.placement().isPresent()) {
      write(after.placement().get(), out);
    }
  }

  private static void write(Placement placement, DataOutput out) throws IOException {
    out.writeInt(placement.layers());
    out.writeInt(placement.experts());
    for (List<WorkerRank> layer : placement.owners()) {
      for (WorkerRank owner : layer) {
        out.writeInt(owner.code());
      }
    }
  }

  private static StepDecision read(DataInput in) throws IOException {
    double gradientNorm = in.readDouble();
    boolean skipped = in.readBoolean();
    double clip = in.readDouble();
    boolean last = in.readBoolean();
    int evaluationSequences = in.readInt();
    boolean checkpoint = in.readBoolean();
    Optional<Placement> placement =
        in.readBoolean() ? Optional.of(placement(in)) : Optional.empty();
    return new StepDecision(
        gradientNorm,
        skipped,
        clip,
        new StepPolicy.AfterStep(last, evaluationSequences, checkpoint, placement));
  }

  private static Placement placement(DataInput in) throws IOException {
    int layers = in.readInt();
    int experts = in.readInt();
    List<List<WorkerRank>> owners = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      List<WorkerRank> row = new ArrayList<>();
      for (int expert = 0; expert < experts; expert++) {
        int code = in.readInt();
        row.add(
            WorkerRank.ofCode(code)
                .orElseThrow(() -> new ChannelException("no rank has code " + code)));
      }
      owners.add(row);
    }
    return new Placement(owners);
  }
}
