package org.hetermoe.train;

import java.util.function.Consumer;
import org.hetermoe.channel.Channel;
import org.hetermoe.compute.Compute;
import org.hetermoe.group.Placement;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.optim.AdamW;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.Task;

/**
 * An expert worker's steps: walks its side of the schedule, task by task, as deliveries come in.
 */
public final class ExpertWorker implements AutoCloseable {
  private final GroupLink link;
  private final StepProbe probe;
  private final ExpertPart experts;
  private final AdamW optimizer;
  private final WorkClock clock;
  private final PacedWork paced;
  private final StepEnd stepEnd;
  private GroupPlan plan;

  /** A worker with weights from {@code source}; its rank is that of the channel's end. */
  public ExpertWorker(
      GroupPlan plan,
      Compute compute,
      Channel channel,
      WeightSource source,
      StepProbe probe,
      Pace pace) {
    this.plan = plan;
    this.probe = probe;
    link = new GroupLink(channel);
    paced = new PacedWork(pace, link::waitedNanos);
    experts = new ExpertPart(plan, compute, link, source, paced);
    optimizer = new AdamW(plan.optimizer(), plan.steps());
    clock = new WorkClock(link::waitedNanos);
    stepEnd = new StepEnd(link);
  }

  /** Calls {@code action} with the weights of each expert; for checkpoints. */
  public void forEachStoredSet(Consumer<ParameterSet> action) {
    experts.bank().forEachParameterSet(action);
  }

  /** One step, counted from 1; returns what attention worker 0 decided to follow. */
  public StepPolicy.AfterStep step(int step) throws InterruptedException {
    link.beginStep(step);
    clock.begin();
    paced.begin();
    for (Task task : plan.schedule().of(link.self(), plan.placement())) {
      clock.run(task.work(), () -> experts.run(task, task.microBatch(), true));
    }
    probe.expertGradients(experts.bank());
    StepReport report =
        new StepReport(clock.times(), 0, experts.gradientSquares(), experts.takeRows());
    StepDecision decision = stepEnd.follow(report).decision();
    paced.begin();
    experts.update(optimizer, step, decision.clip());
    paced.optimizer(experts.parameters());
    return decision.after();
  }

  /** Takes part in an evaluation of so many held-out sequences. */
  public void evaluate(int sequences) throws InterruptedException {
    paced.begin();
    for (Evaluation round : Evaluation.rounds(plan, sequences)) {
      Schedule schedule = plan.schedule(round.microBatches().size());
      for (Task task : schedule.forwardOf(link.self(), plan.placement())) {
        experts.run(task, round.firstMicroBatch() + task.microBatch(), false);
      }
    }
  }

  /**
   * Gives away and takes in experts so that the next step works with another placement; all workers
   * of the group take part, after evaluation and checkpoint of a step.
   *
   * @throws org.hetermoe.model.InvalidFieldException if the placement is not one of this group
   */
  public void rebalance(Placement placement) throws InterruptedException {
    long start = System.nanoTime();
    GroupPlan next = plan.with(placement);
    experts.move(plan.placement(), placement);
    plan = next;
    stepEnd.moved(plan, (System.nanoTime() - start) / 1e9);
  }

  @Override
  public void close() {
    experts.close();
    link.close();
  }
}
