package org.hetermoe.train;

import java.io.IOException;
import java.util.function.Function;
import org.hetermoe.channel.Channel;
import org.hetermoe.checkpoint.CheckpointReader;
import org.hetermoe.compute.Compute;
import org.hetermoe.group.Placement;
import org.hetermoe.nn.SeededWeights;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.RunSpec;

/**
 * What members of both roles have: their assignment, device, channel, checkpoints, and how far they
 * are.
 */
abstract class RunMember implements GroupMember {
  final Assignment assignment;
  final RunSpec spec;
  final Compute compute;
  final Channel channel;
  final MemberEnvironment environment;
  final CheckpointWriter checkpoints;
  volatile int step;

  RunMember(
      Assignment assignment, Compute compute, Channel channel, MemberEnvironment environment) {
    this.assignment = assignment;
    this.spec = assignment.spec();
    this.compute = compute;
    this.channel = channel;
    this.environment = environment;
    this.step = assignment.resumeFromStep();
    this.checkpoints =
        new CheckpointWriter(
            compute,
            environment.checkpoints(),
            assignment.run(),
            assignment.attempt(),
            channel.self().toString());
  }

  /**
   * Makes a worker with the weights that the assignment begins from: the seed's or a checkpoint's.
   */
  final <W> W load(Function<WeightSource, W> make) throws IOException {
    if (assignment.resumeFromStep() == 0) {
      return make.apply(new SeededWeights(spec.model(), spec.seed()));
    }
    try (CheckpointReader checkpoint =
        environment.checkpoints().open(assignment.run(), assignment.resumeFromStep())) {
      return make.apply(new CheckpointWeights(checkpoint));
    }
  }

  final GroupPlan plan() {
    return GroupPlan.of(spec, assignment.placement());
  }

  /** Refuses a placement that this run's group cannot take on. */
  final void check(Placement placement) {
    plan().with(placement);
  }

  /** The end of training: what was written is durable. */
  final Outcome finish() throws InterruptedException {
    checkpoints.await();
    return new Outcome(step, step < spec.training().steps());
  }

  @Override
  public final int step() {
    return step;
  }

  @Override
  public void close() {
    checkpoints.close();
  }
}
