package org.hetermoe.coordinator.metrics;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.hetermoe.api.PlanView;
import org.hetermoe.run.Median;
import org.hetermoe.run.StepMetrics;

/** What steps took, beside what was foretold. */
final class MeasuredSteps {
  private MeasuredSteps() {}

  /**
   * The measurements of some steps; null where there are none.
   *
   * @param predictedSeconds null where nothing was foretold
   * @param foreseeableSeconds what would have been foretold had loads been known; null where
   *     nothing
   */
  static PlanView.Measured of(
      List<StepMetrics> steps, Double predictedSeconds, Double foreseeableSeconds) {
    if (steps.isEmpty()) {
      return null;
    }
    double median = Median.of(steps.stream().mapToDouble(StepMetrics::seconds));
    Map<String, Double> busy = new TreeMap<>();
    for (StepMetrics step : steps) {
      if (step.workers() != null) {
        step.workers()
            .forEach(
                load ->
                    busy.merge(load.peer().toString(), load.busy() / steps.size(), Double::sum));
      }
    }
    return new PlanView.Measured(
        steps.size(),
        median,
        predictedSeconds == null ? null : median / predictedSeconds - 1,
        foreseeableSeconds,
        busy);
  }
}
