package org.hetermoe.train;

import java.io.IOException;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.hetermoe.channel.Channel;
import org.hetermoe.compute.Compute;
import org.hetermoe.data.Batches;
import org.hetermoe.data.PackedTokens;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.TrainingSpec;

/**
 * An attention worker's part in a run: data, steps, evaluations; worker 0 also paces and reports.
 */
final class AttentionMember extends RunMember {
  private PackedTokens tokens;
  private Batches batches;
  private AttentionWorker worker;
  private volatile boolean stopRequested;
  private final AtomicReference<Placement> nextPlacement = new AtomicReference<>();

  AttentionMember(
      Assignment assignment, Compute compute, Channel channel, MemberEnvironment environment) {
    super(assignment, compute, channel, environment);
  }

  @Override
  public void prepare() throws IOException {
    tokens =
        PackedTokens.open(
            spec.data(), spec.seed(), spec.model().vocabulary(), environment.dataDirectory());
    batches = new Batches(tokens, spec.data(), spec.seed());
    worker =
        load(
            source ->
                new AttentionWorker(
                    plan(), compute, channel, source, StepProbe.NONE, environment.pace()));
  }

  @Override
  public Outcome train() throws InterruptedException {
    int perStep = spec.training().batchSequences();
    AttentionWorker.Done done;
    do {
      long start = System.nanoTime();
      int next = step + 1;
      long position = (long) step * perStep;
      done = worker.step(next, batches.training(position, perStep), this::after);
      step = next;
      double seconds = (System.nanoTime() - start) / 1e9;
      Optional<Double> evaluation = Optional.empty();
      if (done.after().evaluationSequences() > 0) {
        evaluation = worker.evaluate(batches.evaluation(0, done.after().evaluationSequences()));
      }
      if (done.result().isPresent()) {
        environment.metrics().accept(metrics(done.result().get(), seconds, evaluation));
      }
      if (done.after().checkpoint()) {
        checkpoints.write(step, worker::forEachStoredSet);
      }
      if (done.after().placement().isPresent()) {
        rebalanceTo(done.after().placement().get());
      }
    } while (!done.after().last());
    return finish();
  }

  private StepPolicy.AfterStep after(int finished) {
    TrainingSpec training = spec.training();
    boolean last = finished == training.steps() || stopRequested;
    boolean evaluate = last || due(finished, training.evaluateEvery());
    int held = Math.min(training.evaluateSequences(), batches.evaluationSequences());
    return new StepPolicy.AfterStep(
        last,
        evaluate ? held : 0,
        last || due(finished, training.checkpointEvery()),
        last ? Optional.empty() : Optional.ofNullable(nextPlacement.getAndSet(null)));
  }

  private void rebalanceTo(Placement placement) throws InterruptedException {
    Optional<Double> seconds = worker.rebalance(placement);
    if (seconds.isPresent()) {
      environment.placements().accept(new PlacementChange(step, placement, seconds.get()));
    }
  }

  private static boolean due(int finished, int every) {
    return every > 0 && finished % every == 0;
  }

  private StepMetrics metrics(StepResult result, double seconds, Optional<Double> evaluation) {
    long count = (long) spec.training().batchSequences() * spec.data().sequenceLength();
    return new StepMetrics(
        assignment.run(),
        assignment.attempt(),
        step,
        result.loss(),
        result.crossEntropy(),
        result.balanceLoss(),
        result.zLoss(),
        result.gradientNorm(),
        worker.learningRate(step),
        count,
        seconds,
        count / seconds,
        result.busy(WorkerRank.Role.ATTENTION),
        result.busy(WorkerRank.Role.EXPERT),
        evaluation.orElse(null),
        result.workers(),
        result.expertRows(),
        Instant.now());
  }

  @Override
  public void stopAfterStep() {
    stopRequested = true;
  }

  @Override
  public void rebalance(Placement placement) {
    check(placement);
    nextPlacement.set(placement);
  }

  @Override
  public void close() {
    super.close();
    if (worker != null) {
      worker.close();
    }
    if (tokens != null) {
      tokens.close();
    }
  }
}
