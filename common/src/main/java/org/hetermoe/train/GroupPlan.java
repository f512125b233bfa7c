package org.hetermoe.train;

import org.hetermoe.group.Peer;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.optim.OptimizerSpec;
import org.hetermoe.plan.Placement;
import org.hetermoe.plan.Schedule;
import org.hetermoe.plan.ScheduleKind;
import org.hetermoe.plan.Split;
import org.hetermoe.run.RunSpec;

/**
 * Everything that all workers of a ZP group must agree on to walk through the same step.
 *
 * @param steps last step of the run, where the learning rate ends
 * @param sequenceLength tokens per sequence (S)
 * @param microBatches micro-batches per step (R)
 * @param attentionWorkers M
 * @param expertWorkers N
 * @param scheduleKind in which order its workers compute
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
    Placement placement) {
  public GroupPlan {
    if (placement.layers() != model.layers() || placement.experts() != model.experts()) {
      throw new IllegalArgumentException("the placement is not one of this model's experts");
    }
    boolean outside =
        placement.workers().stream()
            .anyMatch(
                owner ->
                    owner.rank()
                        >= (owner.role() == Peer.Role.EXPERT ? expertWorkers : attentionWorkers));
    if (outside) {
      throw new IllegalArgumentException("the placement names a worker that is not in the group");
    }
  }

  /** The plan of a run file with a placement. */
  public static GroupPlan of(RunSpec spec, Placement placement) {
    return new GroupPlan(
        spec.model(),
        spec.optimizer(),
        spec.training().steps(),
        spec.data().sequenceLength(),
        spec.training().microBatches(),
        spec.workers().attention(),
        spec.workers().experts(),
        spec.training().schedule(),
        placement);
  }

  /** The order of computing within a step. */
  public Schedule schedule() {
    return schedule(microBatches);
  }

  /** The order of computing of fewer micro-batches. */
  Schedule schedule(int microBatches) {
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
