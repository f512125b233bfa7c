package org.hetermoe.train;

import java.io.IOException;
import org.hetermoe.channel.Channel;
import org.hetermoe.compute.Compute;
import org.hetermoe.run.Assignment;

/** An expert worker's part in a run. */
final class ExpertMember implements GroupMember {
  private final Assignment assignment;
  private final Compute compute;
  private final Channel channel;
  private final MemberEnvironment environment;
  private ExpertWorker worker;
  private CheckpointWriter checkpoints;
  private volatile int step;

  ExpertMember(
      Assignment assignment, Compute compute, Channel channel, MemberEnvironment environment) {
    this.assignment = assignment;
    this.compute = compute;
    this.channel = channel;
    this.environment = environment;
    this.step = assignment.resumeFromStep();
  }

  @Override
  public void prepare() throws IOException {
    worker =
        GroupMembers.load(
            assignment,
            environment,
            source ->
                new ExpertWorker(
                    GroupMembers.plan(assignment), compute, channel, source, StepProbe.NONE));
    checkpoints =
        new CheckpointWriter(
            compute,
            environment.checkpoints(),
            assignment.run(),
            assignment.epoch(),
            channel.self().toString());
  }

  @Override
  public Outcome train() throws InterruptedException {
    StepPolicy.AfterStep after;
    do {
      int next = step + 1;
      after = worker.step(next);
      step = next;
      if (after.evaluationSequences() > 0) {
        worker.evaluate(after.evaluationSequences());
      }
      if (after.checkpoint()) {
        checkpoints.write(
            step,
            each ->
                worker
                    .bank()
                    .forEach(
                        (layer, expert) -> each.accept(worker.bank().parameters(layer, expert))));
      }
    } while (!after.last());
    checkpoints.await();
    return new Outcome(step, step < assignment.spec().training().steps());
  }

  /** Attention worker 0 decides and passes it on. */
  @Override
  public void stopAfterStep() {}

  @Override
  public int step() {
    return step;
  }

  @Override
  public void close() {
    if (checkpoints != null) {
      checkpoints.close();
    }
    if (worker != null) {
      worker.close();
    }
  }
}
