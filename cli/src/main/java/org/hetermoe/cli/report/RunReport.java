package org.hetermoe.cli.report;

import java.util.List;
import org.hetermoe.api.RunView;
import org.hetermoe.run.StepMetrics;

/** Takes what happens to a run that is followed, in order, from one thread. */
public interface RunReport {
  /** Following begins. */
  void begin(RunView run);

  /** State or reason has changed. */
  void state(RunView run);

  /** Something that people may want to know, and programs do not. */
  default void note(String what) {}

  /** A step is done; its evaluation comes with it. */
  void step(RunView run, StepMetrics step);

  /**
   * The run has ended.
   *
   * @param losses of all steps, also of those before the run was resumed
   */
  void end(RunView run, List<Double> losses);

  /** Tells two reports the same, in order. */
  static RunReport both(RunReport first, RunReport second) {
    return new RunReport() {
      @Override
      public void begin(RunView run) {
        first.begin(run);
        second.begin(run);
      }

      @Override
      public void state(RunView run) {
        first.state(run);
        second.state(run);
      }

      @Override
      public void note(String what) {
        first.note(what);
        second.note(what);
      }

      @Override
      public void step(RunView run, StepMetrics step) {
        first.step(run, step);
        second.step(run, step);
      }

      @Override
      public void end(RunView run, List<Double> losses) {
        first.end(run, losses);
        second.end(run, losses);
      }
    };
  }
}
