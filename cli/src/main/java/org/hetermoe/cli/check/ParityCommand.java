package org.hetermoe.cli.check;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.hetermoe.cli.UsageException;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.parity.ParityCase;
import org.hetermoe.parity.ParityReport;
import org.hetermoe.parity.ParityRun;
import org.hetermoe.parity.ParityWorkers;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Holds the arithmetic against a folder of reference numbers. */
@Command(
    name = "parity",
    description = {
      "Checks the arithmetic against a folder of reference numbers.",
      "Computes what DIR/expected.safetensors holds and prints the relative errors. The exit code is",
      "0 if every one of them is below 1e-5."
    },
    mixinStandardHelpOptions = true)
public final class ParityCommand implements Callable<Integer> {
  @Spec private CommandSpec command;

  @Parameters(
      paramLabel = "DIR",
      description = "config.json, model.safetensors, expected.safetensors and case.json.")
  private Path folder;

  @Option(
      names = "--compute",
      defaultValue = "cpu",
      description = "Device: reference, cpu, cuda or cuda:1 (default: ${DEFAULT-VALUE}).")
  private String device;

  @Option(
      names = "--workers",
      defaultValue = "local",
      description = "local, or attention x expert workers: 1x2 (default: ${DEFAULT-VALUE}).")
  private String workers;

  /** For picocli, which sets the fields. */
  public ParityCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    ParityWorkers group = ParityWorkers.parse(workers);
    if (!Files.isDirectory(folder)) {
      throw new UsageException(folder + " is not a folder");
    }
    PrintWriter out = command.commandLine().getOut();
    try (ParityCase parityCase = ParityCase.open(folder)) {
      ParityReport report = new ParityRun(parityCase, device).with(group);
      out.printf("%-70s %12s%n", "tensor", "error");
      for (ParityReport.Row row : report.rows()) {
        out.printf(
            Locale.ROOT,
            "%-70s %12.3g%s%n",
            row.name(),
            row.error(),
            row.passes() ? "" : "  TOO LARGE");
      }
      long failed = report.rows().stream().filter(row -> !row.passes()).count();
      out.printf(
          Locale.ROOT,
          "%s: %d of %d below %.0e, compute %s, workers %s%n",
          report.passes() ? "passed" : "FAILED",
          report.rows().size() - failed,
          report.rows().size(),
          ParityReport.TOLERANCE,
          device,
          workers);
      out.flush();
      return report.passes() ? 0 : 1;
    } catch (IOException | ComputeUnavailableException problem) {
      throw new UsageException(problem.getMessage());
    }
  }
}
