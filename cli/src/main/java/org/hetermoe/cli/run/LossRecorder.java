package org.hetermoe.cli.run;

import java.util.List;
import org.hetermoe.api.RunView;
import org.hetermoe.cli.report.RunReport;
import org.hetermoe.run.StepMetrics;

/** Tells nobody, and keeps the losses. */
final class LossRecorder implements RunReport {
  private List<Double> losses = List.of();

  @Override
  public void begin(RunView run) {}

  @Override
  public void state(RunView run) {}

  @Override
  public void step(RunView run, StepMetrics step) {}

  @Override
  public void end(RunView run, List<Double> all) {
    losses = List.copyOf(all);
  }

  /** Losses of all steps; none before the end. */
  List<Double> losses() {
    return losses;
  }
}
