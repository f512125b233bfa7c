package org.hetermoe.train;

import java.io.IOException;
import org.hetermoe.channel.Channel;
import org.hetermoe.compute.Compute;
import org.hetermoe.group.Placement;
import org.hetermoe.run.Assignment;

/** An expert worker's part in a run. */
final class ExpertMember extends RunMember {
  private ExpertWorker worker;

  ExpertMember(
      Assignment assignment, Compute compute, Channel channel, MemberEnvironment environment) {
    super(assignment, compute, channel, environment);
  }

  @Override
  public void prepare() throws IOException {
    worker =
        load(
            source ->
                new ExpertWorker(
                    plan(), compute, channel, source, StepProbe.NONE, environment.pace()));
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
        checkpoints.write(step, worker::forEachStoredSet);
      }
      if (after.placement().isPresent()) {
        worker.rebalance(after.placement().get());
      }
    } while (!after.last());
    return finish();
  }

  /** Attention worker 0 decides and passes it on. */
  @Override
  public void stopAfterStep() {}

  /** Attention worker 0 decides and passes it on. */
  @Override
  public void rebalance(Placement placement) {
    check(placement);
  }

  @Override
  public void close() {
    super.close();
    if (worker != null) {
      worker.close();
    }
  }
}
