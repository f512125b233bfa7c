package org.hetermoe.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Map;
import org.hetermoe.run.RunPlan;

/**
 * What was planned for the present or last attempt at a run, beside what was measured.
 *
 * @param plan that holds now, or held last
 * @param pending plan that the workers are about to follow; null where there is none
 * @param measured since it holds; null before its first step
 * @param earlier plans of the attempt, oldest first
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record PlanView(RunPlan plan, RunPlan pending, Measured measured, List<RunPlan> earlier) {
  public PlanView {
    earlier = List.copyOf(earlier);
  }

  /**
   * What was measured since a plan holds.
   *
   * @param steps how many
   * @param stepSeconds median duration of a step
   * @param difference of the median from what was predicted, relative to that; null without
   *     prediction
   * @param foreseeableSeconds what would have been predicted had the experts' loads been known;
   *     null without profiles or loads
   * @param busy share of the step that each worker computed, mean over the steps, by role and rank
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Measured(
      int steps,
      double stepSeconds,
      Double difference,
      Double foreseeableSeconds,
      Map<String, Double> busy) {}
}
