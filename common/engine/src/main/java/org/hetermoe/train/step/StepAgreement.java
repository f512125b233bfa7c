package org.hetermoe.train.step;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.hetermoe.channel.Phase;
import org.hetermoe.channel.Subject;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.optim.GradientClipping;
import org.hetermoe.optim.LossScaler;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.WorkerLoad;

/**
 * The end of a step: every worker reports to attention worker 0, which adds up, decides what
 * follows and tells everybody.
 */
public final class StepAgreement {
  private static final MessageCodec<Double> CROSS_ENTROPY =
      MessageCodec.number("cross entropy of an evaluation");

  private static final MessageCodec<Double> MOVE_SECONDS = MessageCodec.number("duration of moves");

  private static final WorkerRank DECIDER = WorkerRank.attention(0);

  private final RankChannel channel;

  /** The end of the steps of the rank of {@code channel}. */
  public StepAgreement(RankChannel channel) {
    this.channel = channel;
  }

  /**
   * How a step ended.
   *
   * @param result its numbers; on attention worker 0 only
   */
  public record Conclusion(StepDecision decision, Optional<StepResult> result) {}

  /** Reports and waits for the decision; on all workers but attention worker 0. */
  public Conclusion follow(StepReport own) throws InterruptedException {
    send(own);
    StepDecision decision =
        channel.receive(DECIDER, Phase.STEP_DECISION, Subject.Whole.WHOLE, StepDecision.CODEC);
    return new Conclusion(decision, Optional.empty());
  }

  /**
   * Adds up and decides; on attention worker 0.
   *
   * @param own its own report
   * @param losses with the routing of all micro-batches
   * @param attentionSquares squared norm of the attention side's gradients, with the scale of the
   *     loss
   * @param scaler says by how much gradients are scaled, and whether they overflow
   */
  public Conclusion conclude(
      GroupPlan plan,
      StepReport own,
      LossSum losses,
      double attentionSquares,
      LossScaler scaler,
      StepPolicy policy)
      throws InterruptedException {
    ExpertTotals experts = new ExpertTotals(plan.placement());
    List<WorkerLoad> loads = new ArrayList<>();
    for (WorkerRank worker : plan.members()) {
      StepReport report = worker.equals(DECIDER) ? own : receive(worker);
      experts.add(worker, report.expertSquares(), report.expertRows());
      if (worker.role() == WorkerRank.Role.ATTENTION) {
        losses.addCrossEntropy(report.crossEntropy());
      }
      BusyShares.Times times = report.times();
      loads.add(
          new WorkerLoad(worker, times.busy(), times.attentionSeconds(), times.expertSeconds()));
    }
    double gradientNorm = experts.gradientNorm(attentionSquares) / scaler.scale();
    boolean skipped = scaler.overflows(gradientNorm);
    double clip =
        GradientClipping.coefficient(gradientNorm, plan.optimizer().clipNorm()) / scaler.scale();
    StepDecision decision =
        new StepDecision(gradientNorm, skipped, skipped ? 0 : clip, policy.after(channel.step()));
    tell(plan, decision);
    return new Conclusion(
        decision,
        Optional.of(losses.result(gradientNorm, scaler.report(skipped), loads, experts.rows())));
  }

  private void tell(GroupPlan plan, StepDecision decision) throws InterruptedException {
    for (WorkerRank worker : plan.members()) {
      if (!worker.equals(DECIDER)) {
        channel.send(
            worker, Phase.STEP_DECISION, Subject.Whole.WHOLE, StepDecision.CODEC, decision);
      }
    }
  }

  /**
   * Adds up the attention workers' cross entropies of an evaluation, in the order of ranks.
   *
   * @return on attention worker 0 only
   */
  public Optional<Double> evaluated(GroupPlan plan, double ownSum) throws InterruptedException {
    if (!channel.self().equals(DECIDER)) {
      channel.send(DECIDER, Phase.EVALUATION_REPORT, Subject.Whole.WHOLE, CROSS_ENTROPY, ownSum);
      return Optional.empty();
    }
    double sum = ownSum;
    for (int rank = 1; rank < plan.attentionWorkers(); rank++) {
      sum +=
          channel.receive(
              WorkerRank.attention(rank),
              Phase.EVALUATION_REPORT,
              Subject.Whole.WHOLE,
              CROSS_ENTROPY);
    }
    return Optional.of(sum);
  }

  /**
   * Waits until all workers have given and taken their experts.
   *
   * @return seconds that the slowest took; on attention worker 0 only
   */
  public Optional<Double> moved(GroupPlan plan, double ownSeconds) throws InterruptedException {
    if (!channel.self().equals(DECIDER)) {
      channel.send(DECIDER, Phase.MOVE_REPORT, Subject.Whole.WHOLE, MOVE_SECONDS, ownSeconds);
      return Optional.empty();
    }
    double slowest = ownSeconds;
    for (WorkerRank worker : plan.members()) {
      if (!worker.equals(DECIDER)) {
        slowest =
            Math.max(
                slowest,
                channel.receive(worker, Phase.MOVE_REPORT, Subject.Whole.WHOLE, MOVE_SECONDS));
      }
    }
    return Optional.of(slowest);
  }

  private void send(StepReport report) throws InterruptedException {
    channel.send(DECIDER, Phase.STEP_REPORT, Subject.Whole.WHOLE, StepReport.CODEC, report);
  }

  private StepReport receive(WorkerRank worker) throws InterruptedException {
    return channel.receive(worker, Phase.STEP_REPORT, Subject.Whole.WHOLE, StepReport.CODEC);
  }
}
