package org.hetermoe.train;

import java.util.Optional;
import java.util.function.Consumer;
import org.hetermoe.channel.Channel;
import org.hetermoe.compute.Compute;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.optim.AdamW;
import org.hetermoe.optim.LossScaler;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.Task;
import org.hetermoe.train.attention.AttentionModule;
import org.hetermoe.train.expert.ExpertModule;
import org.hetermoe.train.step.BusyShares;
import org.hetermoe.train.step.Computation;
import org.hetermoe.train.step.EvaluationRound;
import org.hetermoe.train.step.Mode;
import org.hetermoe.train.step.RankChannel;
import org.hetermoe.train.step.StepAgreement;
import org.hetermoe.train.step.StepDecision;
import org.hetermoe.train.step.StepPolicy.AfterStep;
import org.hetermoe.train.step.StepReport;
import org.hetermoe.train.step.TaskClock;
import org.hetermoe.train.step.TaskListener;

/**
 * One rank's way through the steps of a run, the same for both roles: walks its side of the
 * schedule, task by task, as frames come in; agrees with the others on how the step ends; updates
 * its weights; then evaluates, stores and moves experts where attention rank 0 says so. An
 * attention rank has an attention side; every rank has an expert side, which may be empty.
 */
final class StepLoop implements AutoCloseable {
  private final Compute compute;
  private final RankChannel channel;
  private final TrainingCallbacks callbacks;
  private final BusyShares busy;
  private final TaskClock clock;
  private final Optional<AttentionModule> attention;
  private final ExpertModule experts;
  private final AdamW optimizer;
  private final LossScaler scaler;
  private final StepAgreement agreement;
  private GroupPlan plan;
  private volatile int step;

  /**
   * A rank with weights from {@code source}; which one is said by its end of the channel.
   *
   * @param compute its device; stays the caller's
   * @param channel its end; stays the caller's
   * @param scaler in the state that belongs to the weights
   */
  StepLoop(
      GroupPlan plan,
      Compute compute,
      Channel channel,
      WeightSource source,
      LossScaler scaler,
      TaskListener listener,
      TrainingCallbacks callbacks) {
    this.plan = plan;
    this.compute = compute;
    this.callbacks = callbacks;
    this.channel = new RankChannel(channel, compute);
    busy = new BusyShares(this.channel::waitedNanos);
    clock = new TaskClock(TaskListener.all(listener, busy), this.channel);
    attention =
        channel.self().role() == WorkerRank.Role.ATTENTION
            ? Optional.of(new AttentionModule(plan, compute, this.channel, source, clock))
            : Optional.empty();
    experts = new ExpertModule(plan, compute, this.channel, source, clock);
    optimizer = new AdamW(plan.optimizer(), plan.steps());
    this.scaler = scaler;
    agreement = new StepAgreement(this.channel);
  }

  /**
   * Goes through the steps after {@code from}, until one is the last; through none where all steps
   * of the plan are done.
   *
   * @throws org.hetermoe.channel.ChannelException if another rank is lost or the channel was
   *     aborted
   */
  void run(int from) throws InterruptedException {
    step = from;
    if (from >= plan.steps()) {
      return; // No step would be the last: that one lies behind.
    }
    AfterStep after;
    do {
      long start = System.nanoTime();
      int next = step + 1;
      StepAgreement.Conclusion conclusion = train(next);
      step = next;
      double seconds = (System.nanoTime() - start) / 1e9;
      after = conclusion.decision().after();
      Optional<Double> evaluation =
          after.evaluationSequences() > 0
              ? evaluate(after.evaluationSequences())
              : Optional.empty();
      conclusion.result().ifPresent(result -> callbacks.onStep(step, result, seconds, evaluation));
      if (after.checkpoint()) {
        callbacks.onCheckpoint(step, this::forEachStoredSet, storedScale());
      }
      if (after.placement().isPresent()) {
        move(after.placement().get());
      }
    } while (!after.last());
  }

  /** The last step done. */
  int step() {
    return step;
  }

  /** The learning rate of a step. */
  double learningRate(int ofStep) {
    return optimizer.learningRate(ofStep);
  }

  private StepAgreement.Conclusion train(int number) throws InterruptedException {
    channel.beginStep(number);
    clock.beginStep(number);
    StepAgreement.Conclusion conclusion =
        attention.isPresent() ? trainBoth(attention.get(), number) : trainExperts();
    update(number, conclusion.decision());
    return conclusion;
  }

  private StepAgreement.Conclusion trainBoth(AttentionModule side, int number)
      throws InterruptedException {
    SequenceBatch batch = callbacks.batch(number);
    side.beginStep(batch, scaler.scale());
    walk(Mode.TRAIN, plan.schedule(), 0);
    AttentionModule.StepSums sums = side.endStep(batch);
    clock.listener().expertGradients(experts.bank());
    StepReport own = report(sums.crossEntropy());
    if (channel.self().rank() != 0) {
      return agreement.follow(own);
    }
    clock.listener().attentionGradients(side.parameters());
    double squares = side.parameters().gradientSquares();
    return agreement.conclude(plan, own, sums.losses(), squares, scaler, callbacks);
  }

  private StepAgreement.Conclusion trainExperts() throws InterruptedException {
    walk(Mode.TRAIN, plan.schedule(), 0);
    clock.listener().expertGradients(experts.bank());
    return agreement.follow(report(0));
  }

  private StepReport report(double crossEntropy) {
    return new StepReport(
        busy.times(), crossEntropy, experts.gradientSquares(), experts.takeRows());
  }

  private void update(int number, StepDecision decision) throws InterruptedException {
    clock.resume();
    if (decision.skipped()) {
      attention.ifPresent(side -> side.parameters().clearGradients());
      experts.skipUpdate();
      scaler.conclude(true);
      return;
    }
    int updates = scaler.updates(number);
    long parameters = experts.parameters();
    if (attention.isPresent()) {
      optimizer.update(compute, attention.get().parameters(), number, updates, decision.clip());
      parameters += attention.get().parameters().elements();
    }
    experts.update(optimizer, number, updates, decision.clip());
    clock.computed(new Computation.Optimizer(parameters));
    scaler.conclude(false);
  }

  private void walk(Mode mode, Schedule schedule, int firstMicroBatch) throws InterruptedException {
    WorkerRank self = channel.self();
    for (Task each :
        mode == Mode.TRAIN
            ? schedule.of(self, plan.placement())
            : schedule.forwardOf(self, plan.placement())) {
      Task task = each.later(firstMicroBatch);
      clock.run(
          task,
          () -> {
            switch (task.work()) {
              case ATTENTION -> attention.orElseThrow().run(task);
              case EXPERTS -> experts.run(task, mode);
            }
          });
    }
  }

  /** Mean cross entropy per token of held-out sequences, in nats; on attention rank 0 only. */
  private Optional<Double> evaluate(int sequences) throws InterruptedException {
    Optional<SequenceBatch> heldOut = attention.map(_ -> callbacks.heldOut(sequences));
    double sum = 0;
    for (EvaluationRound round : EvaluationRound.rounds(plan, sequences)) {
      clock.resume();
      heldOut.ifPresent(batch -> attention.orElseThrow().beginRound(round, batch));
      walk(Mode.EVAL, plan.schedule(round.microBatches().size()), round.firstMicroBatch());
      sum += attention.map(side -> side.endRound(round)).orElse(0.0);
    }
    channel.flush();
    return heldOut.isPresent() ? mean(heldOut.get(), sum) : Optional.empty();
  }

  private Optional<Double> mean(SequenceBatch heldOut, double ownSum) throws InterruptedException {
    return agreement.evaluated(plan, ownSum).map(sum -> sum / heldOut.predictedTokens());
  }

  /** Gives away and takes in experts, so that the next step works with another placement. */
  private void move(Placement placement) throws InterruptedException {
    long start = System.nanoTime();
    GroupPlan next = plan.with(placement);
    experts.move(plan.placement(), placement);
    attention.ifPresent(side -> side.follow(next));
    plan = next;
    agreement
        .moved(plan, (System.nanoTime() - start) / 1e9)
        .ifPresent(seconds -> callbacks.onMove(step, placement, seconds));
  }

  /** The state of the loss scale, which all ranks have alike and attention rank 0 stores. */
  private Optional<LossScaler.State> storedScale() {
    return scaler.scales() && channel.self().equals(WorkerRank.attention(0))
        ? Optional.of(scaler.state())
        : Optional.empty();
  }

  /**
   * The weights that a checkpoint needs from this rank: those of its experts, and on attention rank
   * 0 the attention side's, which all attention ranks have alike.
   */
  private void forEachStoredSet(Consumer<ParameterSet> action) {
    if (channel.self().equals(WorkerRank.attention(0))) {
      action.accept(attention.orElseThrow().parameters());
    }
    experts.bank().forEachParameterSet(action);
  }

  @Override
  public void close() {
    attention.ifPresent(AttentionModule::close);
    experts.close();
    channel.close();
  }
}
