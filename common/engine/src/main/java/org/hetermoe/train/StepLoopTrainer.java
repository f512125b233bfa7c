package org.hetermoe.train;

import java.io.IOException;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.hetermoe.channel.Channel;
import org.hetermoe.checkpoint.CheckpointReader;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.data.Batches;
import org.hetermoe.data.PackedTokens;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.nn.SeededWeights;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.optim.LossScaler;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.TrainingSpec;
import org.hetermoe.tensor.DType;
import org.hetermoe.train.step.StepResult;

/** Goes through a run's steps with the data, checkpoints and metrics that its run file asks for. */
final class StepLoopTrainer implements RankTrainer, TrainingCallbacks {
  private final Assignment assignment;
  private final RunSpec spec;
  private final Compute compute;
  private final Channel channel;
  private final TrainerEnvironment environment;
  private final CheckpointWriter checkpoints;
  private final AtomicReference<Placement> nextPlacement = new AtomicReference<>();
  private PackedTokens tokens;
  private Batches batches;
  private volatile StepLoop loop;
  private volatile boolean stopRequested;

  StepLoopTrainer(
      Assignment assignment, Compute compute, Channel channel, TrainerEnvironment environment) {
    this.assignment = assignment;
    this.spec = assignment.spec();
    this.compute = compute;
    this.channel = channel;
    this.environment = environment;
    this.checkpoints =
        new CheckpointWriter(
            compute,
            environment.checkpoints(),
            assignment.run(),
            assignment.attempt(),
            channel.self().toString());
  }

  @Override
  public void prepare() throws IOException {
    checkPrecision();
    if (channel.self().role() == WorkerRank.Role.ATTENTION) {
      tokens =
          PackedTokens.open(
              spec.data(), spec.seed(), spec.model().vocabulary(), environment.dataDirectory());
      batches = new Batches(tokens, spec.data(), spec.seed());
    }
    LossScaler scaler = new LossScaler(plan());
    if (assignment.resumeFromStep() == 0) {
      loop = loop(new SeededWeights(spec.model(), spec.seed()), scaler);
      return;
    }
    try (CheckpointReader checkpoint =
        environment.checkpoints().open(assignment.run(), assignment.resumeFromStep())) {
      if (scaler.scales()) {
        scaler.restore(StoredLossScale.read(checkpoint));
      }
      loop = loop(new CheckpointWeights(checkpoint), scaler);
    }
  }

  /** Refuses to begin on a device that cannot compute in what this rank is to compute in. */
  private void checkPrecision() {
    boolean attends = channel.self().role() == WorkerRank.Role.ATTENTION;
    if (attends) {
      check("precision.attention", spec.precision().attention());
    }
    if (!attends || assignment.placement().workers().contains(channel.self())) {
      check("precision.experts", spec.precision().experts());
    }
  }

  private void check(String field, DType type) {
    compute
        .refusal(type)
        .ifPresent(
            reason -> {
              throw new ComputeUnavailableException(
                  "%s is %s: %s".formatted(field, type.label(), reason));
            });
  }

  private StepLoop loop(WeightSource source, LossScaler scaler) {
    return new StepLoop(plan(), compute, channel, source, scaler, environment.listener(), this);
  }

  private GroupPlan plan() {
    return GroupPlan.of(spec, assignment.placement());
  }

  @Override
  public TrainingEnd train() throws InterruptedException {
    loop.run(assignment.resumeFromStep());
    // The run is not over before what was written is durable.
    checkpoints.await();
    return new TrainingEnd(step(), step() < spec.training().steps());
  }

  @Override
  public SequenceBatch batch(int step) {
    int perStep = spec.training().batchSequences();
    return batches.training((long) (step - 1) * perStep, perStep);
  }

  @Override
  public SequenceBatch heldOut(int sequences) {
    return batches.evaluation(0, sequences);
  }

  @Override
  public AfterStep after(int finished) {
    TrainingSpec training = spec.training();
    boolean last = finished == training.steps() || stopRequested;
    boolean evaluate = last || due(finished, training.evaluateEvery());
    int held = Math.min(training.evaluateSequences(), batches.evaluationSequences());
    return new AfterStep(
        last,
        evaluate ? held : 0,
        last || due(finished, training.checkpointEvery()),
        last ? Optional.empty() : Optional.ofNullable(nextPlacement.getAndSet(null)));
  }

  private static boolean due(int finished, int every) {
    return every > 0 && finished % every == 0;
  }

  @Override
  public void onStep(int step, StepResult result, double seconds, Optional<Double> evaluation) {
    long count = (long) spec.training().batchSequences() * spec.data().sequenceLength();
    environment
        .metrics()
        .accept(
            new StepMetrics(
                assignment.run(),
                assignment.attempt(),
                step,
                result.loss(),
                result.crossEntropy(),
                result.balanceLoss(),
                result.zLoss(),
                result.gradientNorm(),
                loop.learningRate(step),
                count,
                seconds,
                count / seconds,
                result.busy(WorkerRank.Role.ATTENTION),
                result.busy(WorkerRank.Role.EXPERT),
                evaluation.orElse(null),
                result.workers(),
                result.expertRows(),
                result.lossScale().orElse(null),
                Instant.now()));
  }

  @Override
  public void onCheckpoint(
      int step, Consumer<Consumer<ParameterSet>> parameters, Optional<LossScaler.State> lossScale)
      throws InterruptedException {
    checkpoints.write(step, parameters, lossScale);
  }

  @Override
  public void onMove(int step, Placement placement, double seconds) {
    environment.placements().accept(new PlacementChange(step, placement, seconds));
  }

  @Override
  public void stopAfterStep() {
    stopRequested = true;
  }

  @Override
  public void rebalance(Placement placement) {
    // Refuses a placement that this run's group cannot take on.
    GroupPlan next = plan().with(placement);
    nextPlacement.set(next.placement());
  }

  @Override
  public int step() {
    StepLoop present = loop;
    return Math.max(assignment.resumeFromStep(), present == null ? 0 : present.step());
  }

  @Override
  public void close() {
    checkpoints.close();
    if (loop != null) {
      loop.close();
    }
    if (tokens != null) {
      tokens.close();
    }
  }
}
