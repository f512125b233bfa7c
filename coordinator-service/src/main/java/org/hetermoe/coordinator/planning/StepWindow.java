package org.hetermoe.coordinator.planning;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.WorkerLoad;

/** Some steps in a row of one placement, and what they show. */
public record StepWindow(List<StepMetrics> steps) {
  public StepWindow {
    steps =
        steps.stream().filter(step -> step.expertRows() != null && step.workers() != null).toList();
  }

  /** Relative loads of the experts, over all steps; empty without steps. */
  public Optional<ExpertLoads> loads() {
    if (steps.isEmpty()) {
      return Optional.empty();
    }
    List<List<Double>> sums = new ArrayList<>();
    for (int layer = 0; layer < steps.getFirst().expertRows().size(); layer++) {
      double[] rows = new double[steps.getFirst().expertRows().get(layer).size()];
      for (StepMetrics step : steps) {
        for (int expert = 0; expert < rows.length; expert++) {
          rows[expert] += step.expertRows().get(layer).get(expert);
        }
      }
      sums.add(Arrays.stream(rows).boxed().toList());
    }
    return Optional.of(new ExpertLoads(sums));
  }

  /** What each worker spent, mean over the steps. */
  public Map<WorkerRank, MeasuredCosts.Spent> spent() {
    Map<WorkerRank, MeasuredCosts.Spent> spent = new TreeMap<>();
    for (StepMetrics step : steps) {
      for (WorkerLoad load : step.workers()) {
        spent.merge(
            load.peer(),
            new MeasuredCosts.Spent(
                load.attentionSeconds() / steps.size(), load.expertSeconds() / steps.size()),
            (one, other) ->
                new MeasuredCosts.Spent(
                    one.attentionSeconds() + other.attentionSeconds(),
                    one.expertSeconds() + other.expertSeconds()));
      }
    }
    return spent;
  }

  /** Which steps, for people. */
  public String label() {
    return "steps " + steps.getFirst().step() + " to " + steps.getLast().step();
  }
}
