package org.hetermoe.run;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.schedule.Split;

/**
 * Everything that all workers of a ZP group must agree on to walk through the same step.
 *
 * @param steps last step of the run, where the learning rate ends
 * @param sequenceLength tokens per sequence (S)
 * @param microBatches micro-batches per step (R)
 * @param attentionWorkers M
 * @param expertWorkers N
 * @param scheduleKind in which order its workers compute
 * @param precision in which element types it computes and sends
 * @param recompute which activations it computes again instead of keeping them
 * @param lossScale how it scales the loss, where the precision asks for that
 * @param placement which worker owns which expert
 */
public record GroupPlan(
    ModelConfig model,
    OptimizerSpec optimizer,
    int steps,
    int sequenceLength,
    int microBatches,
    int attentionWorkers,
    int expertWorkers,
    ScheduleKind scheduleKind,
    GroupPrecision precision,
    Recompute recompute,
    LossScaleSpec lossScale,
    Placement placement) {
  public GroupPlan {
    if (placement.layers() != model.layers() || placement.experts() != model.experts()) {
      throw new InvalidFieldException(
          "placement",
          "must name an owner for each of %d experts in %d layers, names %d in %d"
              .formatted(model.experts(), model.layers(), placement.experts(), placement.layers()));
    }
    for (WorkerRank owner : placement.workers()) {
      int workers = owner.role() == WorkerRank.Role.EXPERT ? expertWorkers : attentionWorkers;
      if (owner.rank() >= workers) {
        throw new InvalidFieldException(
            "placement",
            "must name workers of the group (%d attention, %d expert), names %s"
                .formatted(attentionWorkers, expertWorkers, owner));
      }
    }
  }

  /** A plan in single precision that keeps all activations. */
  public GroupPlan(
      ModelConfig model,
      OptimizerSpec optimizer,
      int steps,
      int sequenceLength,
      int microBatches,
      int attentionWorkers,
      int expertWorkers,
      ScheduleKind scheduleKind,
      Placement placement) {
    this(
        model,
        optimizer,
        steps,
        sequenceLength,
        microBatches,
        attentionWorkers,
        expertWorkers,
        scheduleKind,
        GroupPrecision.FP32,
        Recompute.NONE,
        LossScaleSpec.UNSCALED,
        placement);
  }

  /**
   * The plan of a run file with a placement.
   *
   * @throws IllegalStateException if the number of expert workers has not been decided
   */
  public static GroupPlan of(RunSpec spec, Placement placement) {
    return new GroupPlan(
        spec.model(),
        spec.optimizer(),
        spec.training().steps(),
        spec.data().sequenceLength(),
        spec.training().microBatches(),
        spec.workers().attention(),
        spec.workers().experts().number(),
        spec.training().schedule(),
        GroupPrecision.of(spec.precision()),
        spec.training().recompute(),
        spec.training().lossScale(),
        placement);
  }

  /** The same with another placement. */
  public GroupPlan with(Placement other) {
    return with(precision, lossScale, recompute, other);
  }

  /** The same in other types. */
  public GroupPlan with(GroupPrecision types, LossScaleSpec scale) {
    return with(types, scale, recompute, placement);
  }

  /** The same with other activations computed again. */
  public GroupPlan with(Recompute again) {
    return with(precision, lossScale, again, placement);
  }

  private GroupPlan with(
      GroupPrecision types, LossScaleSpec scale, Recompute again, Placement other) {
    return new GroupPlan(
        model,
        optimizer,
        steps,
        sequenceLength,
        microBatches,
        attentionWorkers,
        expertWorkers,
        scheduleKind,
        types,
        again,
        scale,
        other);
  }

  /** All workers of the group: attention workers by rank, then expert workers. */
  public List<WorkerRank> members() {
    return Stream.concat(
            IntStream.range(0, attentionWorkers).mapToObj(WorkerRank::attention),
            IntStream.range(0, expertWorkers).mapToObj(WorkerRank::expert))
        .toList();
  }

  /** The order of computing within a step. */
  public Schedule schedule() {
    return schedule(microBatches);
  }

  /** The order of computing of fewer micro-batches. */
  public Schedule schedule(int microBatches) {
    return scheduleKind.schedule(model.layers(), microBatches);
  }

  /** Which sequences of a batch make up a micro-batch. */
  public Split microBatch(int batchSequences, int microBatch) {
    return Split.of(batchSequences, microBatches, microBatch);
  }

  /** Which sequences of a batch an attention worker has in a micro-batch. */
  public Split share(Split microBatch, int attentionWorker) {
    Split within = Split.of(microBatch.count(), attentionWorkers, attentionWorker);
    return new Split(microBatch.from() + within.from(), within.count());
  }
}
