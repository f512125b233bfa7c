package org.hetermoe.compute.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.hetermoe.compute.Compute;
import org.junit.jupiter.api.TestReporter;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.reporting.ReportEntry;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * Counts, for each emulated generation, the operations whose results were those of the plain
 * device, and says so when the last test has ended. The report of a test does not name its device:
 * a test that compared an operation publishes it.
 */
public final class EmulatedOperations implements TestExecutionListener {
  /** System property: the file that the line is written to as well. */
  static final String FILE = "hetermoe.cuda.operation-counts";

  private static final String DEVICE = "emulated device";
  private static final String RACE_CHECK = "race check";
  private static final Pattern GENERATION = Pattern.compile("Emulated GPU (sm_\\d+)");

  /** What tests have published that have not ended yet. */
  private final Map<TestIdentifier, Map<String, String>> published = new HashMap<>();

  private final SortedMap<String, Integer> counts = new TreeMap<>();
  private final Consumer<String> tell;
  private int withoutRaceCheck;

  /** As the platform finds it: prints, and writes the file. */
  public EmulatedOperations() {
    this(EmulatedOperations::printAndWrite);
  }

  EmulatedOperations(Consumer<String> tell) {
    this.tell = tell;
  }

  /** What a test says of itself that has compared one operation of a device. */
  static void publish(TestReporter reporter, Compute cuda) {
    publish(reporter, cuda.description(), EmulatedDevices.emulator().raceChecked());
  }

  static void publish(TestReporter reporter, String description, boolean raceChecked) {
    Matcher generation = GENERATION.matcher(description);
    if (!generation.find()) {
      throw new IllegalArgumentException("not an emulated device: " + description);
    }
    reporter.publishEntry(
        Map.of(DEVICE, generation.group(1), RACE_CHECK, String.valueOf(raceChecked)));
  }

  @Override
  public synchronized void reportingEntryPublished(TestIdentifier test, ReportEntry entry) {
    if (entry.getKeyValuePairs().containsKey(DEVICE)) {
      published.put(test, entry.getKeyValuePairs());
    }
  }

  @Override
  public synchronized void executionFinished(TestIdentifier test, TestExecutionResult result) {
    Map<String, String> entry = published.remove(test);
    if (entry == null || result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
      return;
    }
    counts.merge(entry.get(DEVICE), 1, Integer::sum);
    if (!Boolean.parseBoolean(entry.get(RACE_CHECK))) {
      withoutRaceCheck++;
    }
  }

  @Override
  public synchronized void testPlanExecutionFinished(TestPlan plan) {
    if (counts.isEmpty()) {
      return;
    }
    tell.accept(line());
  }

  private static void printAndWrite(String line) {
    System.out.println(line);
    String file = System.getProperty(FILE);
    if (file == null) {
      return;
    }
    try {
      Files.writeString(Path.of(file), line + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String line() {
    return counts.entrySet().stream()
        .map(each -> each.getKey() + " " + each.getValue())
        .collect(
            Collectors.joining(
                ", ",
                "Emulated GPUs: ",
                " operations against reference, race check "
                    + (withoutRaceCheck == 0 ? "on" : "off for " + withoutRaceCheck)));
  }
}
