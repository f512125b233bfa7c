package org.hetermoe.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.Frame;
import org.hetermoe.channel.Phase;
import org.hetermoe.compute.Compute;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.group.Peer;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.model.ParameterSet;
import org.hetermoe.model.WeightSource;
import org.hetermoe.optim.AdamW;
import org.hetermoe.optim.GradientClipping;
import org.hetermoe.plan.Schedule;
import org.hetermoe.plan.Split;
import org.hetermoe.plan.Task;
import org.hetermoe.train.AttentionReplica.BatchTotals;

/**
 * An attention worker's steps. All attention workers see the whole batch and take their share of
 * each micro-batch; worker 0 also adds up what the group reports and decides what follows.
 */
public final class AttentionWorker implements AutoCloseable {
  private final Compute compute;
  private final GroupPlan plan;
  private final GroupLink link;
  private final StepProbe probe;
  private final ParameterSet parameters;
  private final ChannelStatistics statistics;
  private final AttentionReplica replica;
  private final GradientReduction reduction;
  private final AdamW optimizer;
  private final BusyClock busy;

  /** A worker with weights from {@code source}; its rank is that of the channel's end. */
  public AttentionWorker(
      GroupPlan plan, Compute compute, Channel channel, WeightSource source, StepProbe probe) {
    this.compute = compute;
    this.plan = plan;
    this.probe = probe;
    link = new GroupLink(channel);
    parameters = new ParameterSet(compute, ParameterNames.attention(plan.model()));
    parameters.load(source);
    statistics = new ChannelStatistics(link, plan);
    replica =
        new AttentionReplica(
            compute,
            plan.model(),
            plan.sequenceLength(),
            plan.placement(),
            plan.expertWorkers(),
            parameters,
            new ChannelExchange(compute, link, plan),
            statistics,
            probe);
    reduction = new GradientReduction(compute, link, plan.attentionWorkers());
    optimizer = new AdamW(plan.optimizer(), plan.steps());
    busy = new BusyClock(link);
  }

  /** The weights; for checkpoints. */
  public ParameterSet parameters() {
    return parameters;
  }

  /** The learning rate of a step. */
  public double learningRate(int step) {
    return optimizer.learningRate(step);
  }

  /**
   * What a step gave.
   *
   * @param after what follows it
   * @param result its numbers; on worker 0 only
   */
  public record Done(StepPolicy.AfterStep after, Optional<StepResult> result) {}

  /**
   * One step: all tasks of the schedule, reduction, decision, update.
   *
   * @param step from 1
   * @param batch all sequences of the step
   * @param policy asked on worker 0
   */
  public Done step(int step, SequenceBatch batch, StepPolicy policy) throws InterruptedException {
    link.beginStep(step);
    busy.read();
    BatchTotals totals = new BatchTotals(batch.predictedTokens(), batch.tokens());
    for (int microBatch = 0; microBatch < plan.microBatches(); microBatch++) {
      Split all = plan.microBatch(batch.sequences(), microBatch);
      replica.begin(microBatch, batch, plan.share(all, rank()), totals, true);
    }
    LossSum losses = new LossSum(plan.model(), totals);
    for (Task task : plan.schedule().of(link.self(), plan.placement())) {
      replica.run(task);
    }
    double crossEntropy = 0;
    for (int microBatch = 0; microBatch < plan.microBatches(); microBatch++) {
      crossEntropy += replica.finish(microBatch);
      losses.addRouting(statistics.takeGroup(microBatch));
    }
    reduction.reduce(parameters.gradients());
    StepReport own = new StepReport(busy.read(), new double[] {crossEntropy});
    Conclusion conclusion = rank() == 0 ? conclude(step, own, losses, policy) : follow(own);
    optimizer.update(compute, parameters, step, conclusion.decision.clip());
    return new Done(conclusion.decision.after(), conclusion.result);
  }

  private record Conclusion(StepDecision decision, Optional<StepResult> result) {}

  private Conclusion conclude(int step, StepReport own, LossSum losses, StepPolicy policy)
      throws InterruptedException {
    probe.attentionGradients(parameters);
    double attentionBusy = own.busy();
    losses.addCrossEntropy(own.values()[0]);
    for (int rank = 1; rank < plan.attentionWorkers(); rank++) {
      StepReport report = receiveReport(Peer.attention(rank), 0);
      attentionBusy += report.busy();
      losses.addCrossEntropy(report.values()[0]);
    }
    GradientNorm norm = new GradientNorm(plan, parameters.gradientSquares());
    double expertBusy = 0;
    for (int rank = 0; rank < plan.expertWorkers(); rank++) {
      StepReport report = receiveReport(Peer.expert(rank), 0);
      expertBusy += report.busy();
      norm.add(Peer.expert(rank), report.values());
    }
    double gradientNorm = norm.value();
    StepPolicy.AfterStep after = policy.after(step);
    StepDecision decision =
        new StepDecision(
            gradientNorm,
            GradientClipping.coefficient(gradientNorm, plan.optimizer().clipNorm()),
            after.last(),
            after.evaluationSequences(),
            after.checkpoint());
    for (Peer peer : others()) {
      link.sendTable(peer, Phase.STEP_DECISION, 0, 0, StepDecision.TABLE_SIZE, decision::write);
    }
    return new Conclusion(
        decision,
        Optional.of(
            losses.result(
                gradientNorm,
                attentionBusy / plan.attentionWorkers(),
                expertBusy / plan.expertWorkers())));
  }

  private Conclusion follow(StepReport own) throws InterruptedException {
    sendReport(own, 0);
    try (Frame frame = link.receive(Phase.STEP_DECISION, 0, 0, Peer.attention(0))) {
      return new Conclusion(StepDecision.read(frame.table()), Optional.empty());
    }
  }

  /**
   * Mean cross entropy per token of held-out sequences, after the last step; all workers of the
   * group take part.
   *
   * @return in nats; on worker 0 only
   */
  public Optional<Double> evaluate(SequenceBatch heldOut) throws InterruptedException {
    BatchTotals totals = new BatchTotals(heldOut.predictedTokens(), heldOut.tokens());
    double sum = 0;
    for (Evaluation round : Evaluation.rounds(plan, heldOut.sequences())) {
      sum += evaluate(round, heldOut, totals);
    }
    if (rank() != 0) {
      sendReport(new StepReport(0, new double[] {sum}), 1);
      return Optional.empty();
    }
    for (int rank = 1; rank < plan.attentionWorkers(); rank++) {
      sum += receiveReport(Peer.attention(rank), 1).values()[0];
    }
    return Optional.of(sum / totals.predictedTokens());
  }

  private double evaluate(Evaluation round, SequenceBatch heldOut, BatchTotals totals)
      throws InterruptedException {
    int first = round.firstMicroBatch();
    List<Split> microBatches = round.microBatches();
    for (int i = 0; i < microBatches.size(); i++) {
      Split mine = plan.share(microBatches.get(i), rank());
      replica.begin(first + i, heldOut, mine, totals, false);
    }
    Schedule schedule = plan.schedule(microBatches.size());
    for (Task task : schedule.forwardOf(link.self(), plan.placement())) {
      replica.run(task, first + task.microBatch());
    }
    double sum = 0;
    for (int i = 0; i < microBatches.size(); i++) {
      sum += replica.finish(first + i);
    }
    return sum;
  }

  private int rank() {
    return link.self().rank();
  }

  private List<Peer> others() {
    List<Peer> others = new ArrayList<>();
    for (int rank = 1; rank < plan.attentionWorkers(); rank++) {
      others.add(Peer.attention(rank));
    }
    for (int rank = 0; rank < plan.expertWorkers(); rank++) {
      others.add(Peer.expert(rank));
    }
    return others;
  }

  private void sendReport(StepReport report, int number) throws InterruptedException {
    link.sendTable(
        Peer.attention(0), Phase.STEP_REPORT, 0, number, report.tableSize(), report::write);
  }

  private StepReport receiveReport(Peer peer, int number) throws InterruptedException {
    try (Frame frame = link.receive(Phase.STEP_REPORT, 0, number, peer)) {
      return StepReport.read(frame.table());
    }
  }

  @Override
  public void close() {
    replica.close();
    parameters.close();
  }
}
