package org.hetermoe.train;

import java.io.IOException;
import java.util.function.Function;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.Peer;
import org.hetermoe.checkpoint.CheckpointStore.StoredCheckpoint;
import org.hetermoe.compute.Compute;
import org.hetermoe.model.SeededWeights;
import org.hetermoe.model.WeightSource;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.RunSpec;

/** Makes the members of a run's group. */
public final class GroupMembers {
  private GroupMembers() {}

  /**
   * A member that has done nothing yet.
   *
   * @param self which member of the assignment
   * @param compute its device; stays the caller's
   * @param channel its end; stays the caller's
   */
  public static GroupMember create(
      Assignment assignment,
      Peer self,
      Compute compute,
      Channel channel,
      MemberEnvironment environment) {
    return switch (self.role()) {
      case ATTENTION -> new AttentionMember(assignment, compute, channel, environment);
      case EXPERT -> new ExpertMember(assignment, compute, channel, environment);
    };
  }

  static GroupPlan plan(Assignment assignment) {
    RunSpec spec = assignment.spec();
    return new GroupPlan(
        spec.model(),
        spec.optimizer(),
        spec.training().steps(),
        spec.data().sequenceLength(),
        spec.training().microBatches(),
        spec.workers().attention(),
        spec.workers().experts(),
        assignment.placement());
  }

  /**
   * Makes a worker with the weights that the assignment begins from: the seed's or a checkpoint's.
   */
  static <W> W load(
      Assignment assignment, MemberEnvironment environment, Function<WeightSource, W> make)
      throws IOException {
    if (assignment.resumeFromStep() == 0) {
      return make.apply(new SeededWeights(assignment.spec().model(), assignment.spec().seed()));
    }
    try (StoredCheckpoint checkpoint =
        environment.checkpoints().open(assignment.run(), assignment.resumeFromStep())) {
      return make.apply(new CheckpointWeights(checkpoint));
    }
  }
}
