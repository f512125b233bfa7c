package org.hetermoe.train;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.hetermoe.channel.Frame;
import org.hetermoe.channel.Phase;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.optim.GradientClipping;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.WorkerLoad;

/**
 * The end of a step: every worker reports to attention worker 0, which adds up, decides what
 * follows and tells everybody.
 */
final class StepEnd {
  /** Numbers of the reports that a worker sends within one step. */
  private static final int STEP = 0;

  private static final int EVALUATION = 1;

  private static final int MOVES = 2;

  private static final WorkerRank DECIDER = WorkerRank.attention(0);

  private final GroupLink link;

  StepEnd(GroupLink link) {
    this.link = link;
  }

  /**
   * How a step ended.
   *
   * @param result its numbers; on attention worker 0 only
   */
  record Conclusion(StepDecision decision, Optional<StepResult> result) {}

  /** Reports and waits for the decision; on all workers but attention worker 0. */
  Conclusion follow(StepReport own) throws InterruptedException {
    send(own);
    try (Frame frame = link.receive(Phase.STEP_DECISION, 0, 0, DECIDER)) {
      return new Conclusion(StepDecision.read(frame.table()), Optional.empty());
    }
  }

  /**
   * Adds up and decides; on attention worker 0.
   *
   * @param own its own report
   * @param losses with the routing of all micro-batches
   * @param attentionSquares squared norm of the attention side's gradients
   */
  Conclusion conclude(
      GroupPlan plan, StepReport own, LossSum losses, double attentionSquares, StepPolicy policy)
      throws InterruptedException {
    ExpertTotals experts = new ExpertTotals(plan.placement());
    List<WorkerLoad> loads = new ArrayList<>();
    for (WorkerRank worker : plan.members()) {
      StepReport report = worker.equals(DECIDER) ? own : receive(worker);
      experts.add(worker, report.expertSquares(), report.expertRows());
      if (worker.role() == WorkerRank.Role.ATTENTION) {
        losses.addCrossEntropy(report.crossEntropy());
      }
      WorkClock.Times times = report.times();
      loads.add(
          new WorkerLoad(worker, times.busy(), times.attentionSeconds(), times.expertSeconds()));
    }
    double gradientNorm = experts.gradientNorm(attentionSquares);
    StepDecision decision = decide(plan, gradientNorm, policy.after(link.step()));
    return new Conclusion(
        decision, Optional.of(losses.result(gradientNorm, loads, experts.rows())));
  }

  private StepDecision decide(GroupPlan plan, double gradientNorm, StepPolicy.AfterStep after)
      throws InterruptedException {
    double clip = GradientClipping.coefficient(gradientNorm, plan.optimizer().clipNorm());
    StepDecision decision = new StepDecision(gradientNorm, clip, after);
    for (WorkerRank worker : plan.members()) {
      if (!worker.equals(DECIDER)) {
        link.sendTable(worker, Phase.STEP_DECISION, 0, 0, decision.tableSize(), decision::write);
      }
    }
    return decision;
  }

  /**
   * Adds up the attention workers' cross entropies of an evaluation, in the order of ranks.
   *
   * @return on attention worker 0 only
   */
  Optional<Double> evaluated(GroupPlan plan, double ownSum) throws InterruptedException {
    if (!link.self().equals(DECIDER)) {
      sendNumber(ownSum, EVALUATION);
      return Optional.empty();
    }
    double sum = ownSum;
    for (int rank = 1; rank < plan.attentionWorkers(); rank++) {
      sum += receiveNumber(WorkerRank.attention(rank), EVALUATION);
    }
    return Optional.of(sum);
  }

  /**
   * Waits until all workers have given and taken their experts.
   *
   * @return seconds that the slowest took; on attention worker 0 only
   */
  Optional<Double> moved(GroupPlan plan, double ownSeconds) throws InterruptedException {
    if (!link.self().equals(DECIDER)) {
      sendNumber(ownSeconds, MOVES);
      return Optional.empty();
    }
    double slowest = ownSeconds;
    for (WorkerRank worker : plan.members()) {
      if (!worker.equals(DECIDER)) {
        slowest = Math.max(slowest, receiveNumber(worker, MOVES));
      }
    }
    return Optional.of(slowest);
  }

  private void sendNumber(double value, int number) throws InterruptedException {
    link.sendTable(
        DECIDER,
        Phase.STEP_REPORT,
        0,
        number,
        Double.BYTES / Integer.BYTES,
        table -> table.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0, value));
  }

  private double receiveNumber(WorkerRank worker, int number) throws InterruptedException {
    try (Frame frame = link.receive(Phase.STEP_REPORT, 0, number, worker)) {
      return frame.table().get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0);
    }
  }

  private void send(StepReport report) throws InterruptedException {
    link.sendTable(DECIDER, Phase.STEP_REPORT, 0, STEP, report.tableSize(), report::write);
  }

  private StepReport receive(WorkerRank worker) throws InterruptedException {
    try (Frame frame = link.receive(Phase.STEP_REPORT, 0, STEP, worker)) {
      return StepReport.read(frame.table());
    }
  }
}
