package org.hetermoe.train;

import java.util.Optional;
import org.hetermoe.channel.Frame;
import org.hetermoe.channel.Phase;
import org.hetermoe.group.Peer;
import org.hetermoe.optim.GradientClipping;

/**
 * The end of a step: every worker reports to attention worker 0, which adds up, decides what
 * follows and tells everybody.
 */
final class StepEnd {
  /** Numbers of the reports that a worker sends within one step. */
  private static final int STEP = 0;

  private static final int EVALUATION = 1;

  private static final Peer DECIDER = Peer.attention(0);

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
    send(own, STEP);
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
    GradientNorm norm = new GradientNorm(plan, attentionSquares);
    double attentionBusy = 0;
    double expertBusy = 0;
    for (Peer worker : plan.members()) {
      StepReport report = worker.equals(DECIDER) ? own : receive(worker, STEP);
      norm.add(worker, report.expertSquares());
      switch (worker.role()) {
        case ATTENTION -> {
          losses.addCrossEntropy(report.crossEntropy());
          attentionBusy += report.busy() / plan.attentionWorkers();
        }
        case EXPERT -> expertBusy += report.busy() / plan.expertWorkers();
      }
    }
    StepDecision decision = decide(plan, norm.value(), policy.after(link.step()));
    return new Conclusion(
        decision, Optional.of(losses.result(norm.value(), attentionBusy, expertBusy)));
  }

  private StepDecision decide(GroupPlan plan, double gradientNorm, StepPolicy.AfterStep after)
      throws InterruptedException {
    double clip = GradientClipping.coefficient(gradientNorm, plan.optimizer().clipNorm());
    StepDecision decision =
        new StepDecision(
            gradientNorm, clip, after.last(), after.evaluationSequences(), after.checkpoint());
    for (Peer worker : plan.members()) {
      if (!worker.equals(DECIDER)) {
        link.sendTable(worker, Phase.STEP_DECISION, 0, 0, StepDecision.TABLE_SIZE, decision::write);
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
      send(new StepReport(0, ownSum, new double[0]), EVALUATION);
      return Optional.empty();
    }
    double sum = ownSum;
    for (int rank = 1; rank < plan.attentionWorkers(); rank++) {
      sum += receive(Peer.attention(rank), EVALUATION).crossEntropy();
    }
    return Optional.of(sum);
  }

  private void send(StepReport report, int number) throws InterruptedException {
    link.sendTable(DECIDER, Phase.STEP_REPORT, 0, number, report.tableSize(), report::write);
  }

  private StepReport receive(Peer worker, int number) throws InterruptedException {
    try (Frame frame = link.receive(Phase.STEP_REPORT, 0, number, worker)) {
      return StepReport.read(frame.table());
    }
  }
}
