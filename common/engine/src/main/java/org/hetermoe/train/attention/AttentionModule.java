package org.hetermoe.train.attention;

import java.util.List;
import org.hetermoe.compute.Compute;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.Split;
import org.hetermoe.schedule.Task;
import org.hetermoe.train.step.BatchTotals;
import org.hetermoe.train.step.EvaluationRound;
import org.hetermoe.train.step.LossSum;
import org.hetermoe.train.step.Mode;
import org.hetermoe.train.step.RankChannel;
import org.hetermoe.train.step.TaskClock;

/**
 * An attention rank's attention side: its weights, its share of every batch, its way to the experts
 * and to the other attention ranks. All attention ranks see the whole batch and take their share of
 * each micro-batch.
 */
public final class AttentionModule implements AutoCloseable {
  private final RankChannel channel;
  private final ParameterSet parameters;
  private final ChannelStatistics statistics;
  private final ChannelDispatcher dispatcher;
  private final AttentionTasks tasks;
  private final GradientAllReduce allReduce;
  private GroupPlan plan;

  /** The attention side of the rank of {@code channel}, with weights from {@code source}. */
  public AttentionModule(
      GroupPlan plan, Compute compute, RankChannel channel, WeightSource source, TaskClock clock) {
    this.plan = plan;
    this.channel = channel;
    parameters =
        new ParameterSet(
            compute, plan.precision().attention(), ParameterNames.attention(plan.model()));
    parameters.load(source);
    statistics = new ChannelStatistics(channel, plan);
    dispatcher = new ChannelDispatcher(compute, channel, plan);
    tasks =
        new AttentionTasks(
            compute,
            plan.model(),
            plan.sequenceLength(),
            plan.recompute(),
            parameters,
            dispatcher,
            statistics,
            clock);
    allReduce = new GradientAllReduce(compute, channel, plan.attentionWorkers());
  }

  /** The weights, which all attention ranks have alike. */
  public ParameterSet parameters() {
    return parameters;
  }

  /** Computes one task of the schedule. */
  public void run(Task task) throws InterruptedException {
    tasks.run(task);
  }

  /**
   * Takes in this rank's share of a step's micro-batches.
   *
   * @param lossScale factor on the loss whose gradients are taken
   */
  public void beginStep(SequenceBatch batch, double lossScale) {
    BatchTotals totals = BatchTotals.of(batch, lossScale);
    for (int microBatch = 0; microBatch < plan.microBatches(); microBatch++) {
      Split all = plan.microBatch(batch.sequences(), microBatch);
      tasks.begin(microBatch, batch, share(all), totals, Mode.TRAIN);
    }
  }

  /**
   * What a step's tasks gave.
   *
   * @param crossEntropy sum over this rank's tokens, nats
   * @param losses the group's, but for the cross entropies
   */
  public record StepSums(double crossEntropy, LossSum losses) {}

  /** Ends a step's tasks: adds up, and reduces the gradients over all attention ranks. */
  public StepSums endStep(SequenceBatch batch) throws InterruptedException {
    LossSum losses = new LossSum(plan.model(), BatchTotals.of(batch));
    double crossEntropy = 0;
    for (int microBatch = 0; microBatch < plan.microBatches(); microBatch++) {
      crossEntropy += tasks.finish(microBatch);
      losses.addRouting(statistics.takeGroup(microBatch));
    }
    allReduce.reduce(parameters.gradients());
    return new StepSums(crossEntropy, losses);
  }

  /** Takes in this rank's share of a round of held-out sequences. */
  public void beginRound(EvaluationRound round, SequenceBatch heldOut) {
    BatchTotals totals = BatchTotals.of(heldOut);
    List<Split> microBatches = round.microBatches();
    for (int i = 0; i < microBatches.size(); i++) {
      int microBatch = round.firstMicroBatch() + i;
      tasks.begin(microBatch, heldOut, share(microBatches.get(i)), totals, Mode.EVAL);
    }
  }

  /** Sum of the cross entropies of this rank's tokens of a round, nats. */
  public double endRound(EvaluationRound round) {
    double sum = 0;
    for (int i = 0; i < round.microBatches().size(); i++) {
      sum += tasks.finish(round.firstMicroBatch() + i);
    }
    return sum;
  }

  /** Sends tokens where this plan places their experts from now on. */
  public void follow(GroupPlan next) {
    dispatcher.follow(next);
    plan = next;
  }

  private Split share(Split microBatch) {
    return plan.share(microBatch, channel.self().rank());
  }

  @Override
  public void close() {
    tasks.close();
    parameters.close();
  }
}
