package org.hetermoe.train;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.hetermoe.channel.Channel;
import org.hetermoe.compute.Compute;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.group.Placement;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.optim.AdamW;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.Split;
import org.hetermoe.schedule.Task;
import org.hetermoe.train.AttentionReplica.BatchTotals;

/**
 * An attention worker's steps: walks its side of the schedule, its experts' tasks included if it
 * owns any. All attention workers see the whole batch and take their share of each micro-batch;
 * worker 0 also adds up what the group reports and decides what follows.
 */
public final class AttentionWorker implements AutoCloseable {
  private final Compute compute;
  private final GroupLink link;
  private final StepProbe probe;
  private final ParameterSet parameters;
  private final ChannelStatistics statistics;
  private final ChannelExchange exchange;
  private final AttentionReplica replica;
  private final ExpertPart experts;
  private final GradientReduction reduction;
  private final AdamW optimizer;
  private final WorkClock clock;
  private final PacedWork paced;
  private final StepEnd stepEnd;
  private GroupPlan plan;

  /** A worker with weights from {@code source}; its rank is that of the channel's end. */
  public AttentionWorker(
      GroupPlan plan,
      Compute compute,
      Channel channel,
      WeightSource source,
      StepProbe probe,
      Pace pace) {
    this.compute = compute;
    this.plan = plan;
    this.probe = probe;
    link = new GroupLink(channel);
    paced = new PacedWork(pace, link::waitedNanos);
    parameters = new ParameterSet(compute, ParameterNames.attention(plan.model()));
    parameters.load(source);
    statistics = new ChannelStatistics(link, plan);
    exchange = new ChannelExchange(compute, link, plan);
    replica =
        new AttentionReplica(
            compute,
            plan.model(),
            plan.sequenceLength(),
            parameters,
            exchange,
            statistics,
            probe,
            paced);
    experts = new ExpertPart(plan, compute, link, source, paced);
    reduction = new GradientReduction(compute, link, plan.attentionWorkers());
    optimizer = new AdamW(plan.optimizer(), plan.steps());
    clock = new WorkClock(link::waitedNanos);
    stepEnd = new StepEnd(link);
  }

  /**
   * Calls {@code action} with the weights that a checkpoint needs from this worker: those of its
   * experts, and on worker 0 the attention side's, which all replicas have.
   */
  public void forEachStoredSet(Consumer<ParameterSet> action) {
    if (rank() == 0) {
      action.accept(parameters);
    }
    experts.bank().forEachParameterSet(action);
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
    clock.begin();
    paced.begin();
    BatchTotals totals = new BatchTotals(batch.predictedTokens(), batch.tokens());
    for (int microBatch = 0; microBatch < plan.microBatches(); microBatch++) {
      Split all = plan.microBatch(batch.sequences(), microBatch);
      replica.begin(microBatch, batch, plan.share(all, rank()), totals, true);
    }
    LossSum losses = new LossSum(plan.model(), totals);
    for (Task task : plan.schedule().of(link.self(), plan.placement())) {
      run(task, task.microBatch(), true);
    }
    double crossEntropy = 0;
    for (int microBatch = 0; microBatch < plan.microBatches(); microBatch++) {
      crossEntropy += replica.finish(microBatch);
      losses.addRouting(statistics.takeGroup(microBatch));
    }
    reduction.reduce(parameters.gradients());
    probe.expertGradients(experts.bank());
    StepReport own =
        new StepReport(clock.times(), crossEntropy, experts.gradientSquares(), experts.takeRows());
    StepEnd.Conclusion conclusion = conclude(own, losses, policy);
    update(step, conclusion.decision().clip());
    return new Done(conclusion.decision().after(), conclusion.result());
  }

  private StepEnd.Conclusion conclude(StepReport own, LossSum losses, StepPolicy policy)
      throws InterruptedException {
    if (rank() != 0) {
      return stepEnd.follow(own);
    }
    probe.attentionGradients(parameters);
    return stepEnd.conclude(plan, own, losses, parameters.gradientSquares(), policy);
  }

  private void update(int step, double clip) throws InterruptedException {
    paced.begin();
    optimizer.update(compute, parameters, step, clip);
    experts.update(optimizer, step, clip);
    paced.optimizer(parameters.elements() + experts.parameters());
  }

  private void run(Task task, int microBatch, boolean trains) throws InterruptedException {
    clock.run(
        task.work(),
        () -> {
          switch (task.work()) {
            case ATTENTION -> replica.run(task, microBatch);
            case EXPERTS -> experts.run(task, microBatch, trains);
          }
        });
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
    return stepEnd.evaluated(plan, sum).map(total -> total / totals.predictedTokens());
  }

  private double evaluate(Evaluation round, SequenceBatch heldOut, BatchTotals totals)
      throws InterruptedException {
    paced.begin();
    int first = round.firstMicroBatch();
    List<Split> microBatches = round.microBatches();
    for (int i = 0; i < microBatches.size(); i++) {
      Split mine = plan.share(microBatches.get(i), rank());
      replica.begin(first + i, heldOut, mine, totals, false);
    }
    Schedule schedule = plan.schedule(microBatches.size());
    for (Task task : schedule.forwardOf(link.self(), plan.placement())) {
      run(task, first + task.microBatch(), false);
    }
    double sum = 0;
    for (int i = 0; i < microBatches.size(); i++) {
      sum += replica.finish(first + i);
    }
    return sum;
  }

  /**
   * Gives away and takes in experts so that the next step works with another placement; all workers
   * of the group take part, after evaluation and checkpoint of a step.
   *
   * @return seconds that the slowest worker took; on worker 0 only
   * @throws org.hetermoe.model.InvalidFieldException if the placement is not one of this group
   */
  public Optional<Double> rebalance(Placement placement) throws InterruptedException {
    long start = System.nanoTime();
    GroupPlan next = plan.with(placement);
    experts.move(plan.placement(), placement);
    exchange.follow(next);
    plan = next;
    return stepEnd.moved(plan, (System.nanoTime() - start) / 1e9);
  }

  private int rank() {
    return link.self().rank();
  }

  @Override
  public void close() {
    replica.close();
    experts.close();
    parameters.close();
    link.close();
  }
}
