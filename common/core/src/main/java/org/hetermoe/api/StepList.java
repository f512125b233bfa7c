package org.hetermoe.api;

import java.util.List;
import org.hetermoe.run.StepMetrics;

/** A page of step metrics, ascending. */
public record StepList(List<StepMetrics> steps) {
  public StepList {
    steps = List.copyOf(steps);
  }
}
