package org.hetermoe.cli.simulate;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.hetermoe.cli.UsageException;
import org.hetermoe.run.Json;
import org.hetermoe.simulate.StepTimeline;
import org.hetermoe.simulate.SystemResult;
import org.hetermoe.simulate.TimelineJson;
import org.hetermoe.simulate.ZebraChart;
import picocli.CommandLine.Option;

/** Files that a simulated step is written to, as a trace and as a chart. */
final class TimelineOptions {
  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description =
          "Writes the step of the first system that fits: in Chrome's trace format, or in our own"
              + " JSON where FILE ends in .timeline.json.")
  private Path trace;

  @Option(
      names = "--chart",
      paramLabel = "FILE",
      description = "Draws the step of the first system that fits (SVG).")
  private Path chart;

  /**
   * Writes what was asked for.
   *
   * @param scenario what was trained on what, for the chart's title
   * @param length tokens of a sequence
   * @throws UsageException if no system fits, or a file cannot be written
   */
  void write(List<SystemResult> results, String scenario, int length) throws IOException {
    if (trace == null && chart == null) {
      return;
    }
    SystemResult.Trained first =
        results.stream()
            .filter(SystemResult.Trained.class::isInstance)
            .map(SystemResult.Trained.class::cast)
            .findFirst()
            .orElseThrow(() -> new UsageException("no system fits, so there is nothing to draw"));
    StepTimeline step = first.timelines().getFirst();
    if (trace != null) {
      JsonNode tree =
          trace.toString().endsWith(".timeline.json")
              ? TimelineJson.timeline(step)
              : TimelineJson.chromeTrace(step);
      write(trace, Json.MAPPER.writeValueAsString(tree));
    }
    if (chart != null) {
      String title =
          String.format(
              Locale.ROOT,
              "%s: %s, %d tokens a sequence, step %.1f ms",
              first.system().label(),
              scenario,
              length,
              1e3 * first.stepSeconds());
      write(chart, ZebraChart.of(step, title));
    }
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException failed) {
      throw new UsageException("'" + file + "' cannot be written: " + failed.getMessage());
    }
  }
}
