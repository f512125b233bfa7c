package org.hetermoe.cli.report;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.hetermoe.api.RunView;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.Recompute;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.StepMetrics;

/**
 * The course of a run for people: on a terminal one line that is written over, elsewhere a line for
 * every twentieth part of the run.
 */
public final class ProgressReport implements RunReport {
  private static final int BAR_WIDTH = 12;
  private static final int LINES = 20;

  /** Weight of the newest step in the mean that the time left is reckoned from. */
  private static final double NEWEST = 0.2;

  private final PrintWriter err;
  private final boolean terminal;
  private int stepsSeen;
  private double secondsPerStep;
  private boolean lineOpen;

  /**
   * Writes there.
   *
   * @param terminal whether what is written can be written over
   */
  public ProgressReport(PrintWriter err, boolean terminal) {
    this.err = err;
    this.terminal = terminal;
  }

  @Override
  public void begin(RunView run) {
    line(
        "run %s: %,d parameters, %d steps, %d attention and %s expert workers, channel %s"
                .formatted(
                    run.id(),
                    run.spec().model().parameters(),
                    run.steps(),
                    run.spec().workers().attention(),
                    run.spec().workers().experts(),
                    run.spec().channel().label())
            + precision(run.spec()));
  }

  /** What is out of the ordinary in how it is computed. */
  private static String precision(RunSpec spec) {
    GroupPrecision types = GroupPrecision.of(spec.precision());
    Recompute again = spec.training().recompute();
    return (types.equals(GroupPrecision.FP32) ? "" : ", precision " + types.label())
        + (again == Recompute.NONE ? "" : ", computed again: " + again.label());
  }

  @Override
  public void state(RunView run) {
    line(run.state() + (run.reason() == null ? "" : ": " + run.reason()));
  }

  @Override
  public void note(String what) {
    line(what);
  }

  @Override
  public void step(RunView run, StepMetrics step) {
    stepsSeen++;
    // The first step warms everything up and says nothing of those to come.
    secondsPerStep =
        stepsSeen <= 2 ? step.seconds() : (1 - NEWEST) * secondsPerStep + NEWEST * step.seconds();
    String text = describe(step, run.steps());
    if (terminal) {
      err.print("\r" + text + "\u001b[K");
      err.flush();
      lineOpen = true;
    } else if (step.step() % Math.ceilDiv(run.steps(), LINES) == 0
        || step.step() == run.steps()
        || step.step() == 1) {
      line(text);
    }
    if (step.lossScale() != null && step.lossScale().skipped()) {
      line(
          String.format(
              Locale.ROOT,
              "step %d: skipped, gradients overflow with a loss scale of %.0f (%d skipped so far)",
              step.step(),
              step.lossScale().scale(),
              step.lossScale().skippedSteps()));
    }
    if (step.evaluationLoss() != null) {
      line(
          String.format(
              Locale.ROOT,
              "step %d: evaluation loss %.4f nats per %s",
              step.step(),
              step.evaluationLoss(),
              unit(run)));
    }
  }

  @Override
  public void end(RunView run, List<Double> losses) {
    closeLine();
  }

  /** What a loss is counted per. */
  public static String unit(RunView run) {
    return run.spec().data().tokenizer().equals("bytes") ? "byte" : "token";
  }

  private String describe(StepMetrics step, int steps) {
    int filled = (int) ((long) BAR_WIDTH * step.step() / steps);
    return String.format(
        Locale.ROOT,
        "%"
            + Integer.toString(steps).length()
            + "d/%d %s%s loss %.4f  %s tokens/s  %s left  busy %2.0f%%/%2.0f%%%s",
        step.step(),
        steps,
        "#".repeat(filled),
        ".".repeat(BAR_WIDTH - filled),
        step.loss(),
        String.format(Locale.ROOT, "%,.0f", step.tokensPerSecond()),
        clock((steps - step.step()) * secondsPerStep),
        100 * step.attentionBusy(),
        100 * step.expertBusy(),
        step.lossScale() == null
            ? ""
            : String.format(Locale.ROOT, "  scale %.0f", step.lossScale().scale()));
  }

  private static String clock(double seconds) {
    Duration time = Duration.ofSeconds(Math.round(seconds));
    return time.toHours() > 0
        ? String.format(
            Locale.ROOT, "%d:%02d:%02d", time.toHours(), time.toMinutesPart(), time.toSecondsPart())
        : String.format(Locale.ROOT, "%d:%02d", time.toMinutes(), time.toSecondsPart());
  }

  private void line(String text) {
    closeLine();
    err.println(text);
    err.flush();
  }

  private void closeLine() {
    if (lineOpen) {
      err.println();
      err.flush();
      lineOpen = false;
    }
  }
}
