package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.hetermoe.group.Placement;
import org.hetermoe.schedule.ScheduleKind;

/**
 * What was planned for an attempt at a run: who computes what from a step on, and what that
 * promises. Without profiles of all workers there is a placement, but no promise.
 *
 * @param run the run
 * @param attempt the attempt
 * @param number of the plan within the attempt, from 0
 * @param fromStep last step before the plan holds; null until the workers follow it
 * @param at when it was made
 * @param planner who decided
 * @param why how the plan came about, for people
 * @param schedule in which order the workers compute
 * @param microBatches per step (R)
 * @param precision types that the sides compute in and that frames carry: fp16 where a side
 *     computes in it, else bf16 where one does, else fp32; null in plans from before there was a
 *     choice
 * @param recompute which activations are computed again; null likewise
 * @param predictedStepSeconds null without profiles
 * @param boundFraction share of what any placement could reach at best; null without profiles
 * @param moveSeconds that experts took to come to their workers; null for the first plan
 * @param workers attention workers, then expert workers
 * @param placement who owns which expert
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record RunPlan(
    UUID run,
    int attempt,
    int number,
    Integer fromStep,
    Instant at,
    PlannerKind planner,
    String why,
    ScheduleKind schedule,
    int microBatches,
    GroupPrecision precision,
    Recompute recompute,
    Double predictedStepSeconds,
    Double boundFraction,
    Double moveSeconds,
    List<PlannedWorker> workers,
    Placement placement) {
  public RunPlan {
    workers = List.copyOf(workers);
  }

  /** The same plan once the workers follow it. */
  public RunPlan followed(int afterStep, double seconds) {
    return new RunPlan(
        run,
        attempt,
        number,
        afterStep,
        at,
        planner,
        why,
        schedule,
        microBatches,
        precision,
        recompute,
        predictedStepSeconds,
        boundFraction,
        seconds,
        workers,
        placement);
  }

  /**
   * A worker's part.
   *
   * @param peer role and rank: {@code expert-0}
   * @param worker its stable id
   * @param device what it was planned as
   * @param expertsPerLayer how many experts it owns
   * @param predictedBusy share of the step that it computes; null without profiles
   * @param link with the other side; null in plans of before links were measured
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record PlannedWorker(
      String peer,
      String worker,
      String device,
      List<Integer> expertsPerLayer,
      Double predictedBusy,
      PlannedLink link) {
    public PlannedWorker {
      expertsPerLayer = List.copyOf(expertsPerLayer);
    }
  }

  /**
   * The slowest of a worker's links with workers of the other side.
   *
   * @param bytesPerSecond in each direction
   * @param latencySeconds of a message
   * @param measured whether it was measured; else it is the coordinator's setting
   */
  public record PlannedLink(double bytesPerSecond, double latencySeconds, boolean measured) {}
}
