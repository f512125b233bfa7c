package org.hetermoe.cli.run;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RunView;
import org.hetermoe.cli.Main;
import org.hetermoe.cli.SignalHandler;
import org.hetermoe.cli.report.JsonReport;
import org.hetermoe.cli.report.ProgressReport;
import org.hetermoe.cli.report.RunReport;
import org.hetermoe.cli.stack.Installation;
import org.hetermoe.run.ChannelKind;
import org.hetermoe.run.RunSpec;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** How a run is followed, by those commands that do. */
final class FollowOptions {
  @Option(
      names = "--json",
      description = "One JSON object a line on standard output, and nothing else there.")
  private boolean json;

  @Option(names = "--keep-up", description = "Leave what was started running afterwards.")
  private boolean keepUp;

  /** On one machine a run over memory is one process: its attention service hosts all workers. */
  static CoordinatorClient coordinatorFor(RunSpec spec, CoordinatorOptions.Session session)
      throws InterruptedException {
    return spec.channel() == ChannelKind.MEMORY
        ? session.coordinator(1, 0)
        : session.coordinator(spec.workers().attention(), spec.workers().experts().most());
  }

  /**
   * Follows a run to its end, or until a signal has stopped it.
   *
   * @return the exit code
   */
  int follow(
      RunView submitted,
      CoordinatorOptions options,
      CoordinatorClient coordinator,
      CoordinatorOptions.Session session,
      SignalHandler signals,
      CommandLine command)
      throws IOException, InterruptedException {
    signals.onSignal(() -> requestStop(coordinator, submitted, command.getErr()));
    RunReport report =
        new ProgressReport(command.getErr(), Boolean.getBoolean("hetermoe.terminal"));
    if (json) {
      report = RunReport.both(report, new JsonReport(command.getOut()));
    }
    RunView ended = new RunFollower(coordinator, report, session::restore).follow(submitted);
    signals.onSignal(null);
    PrintWriter out = json ? command.getErr() : command.getOut();
    summarize(ended, out);
    // Programs have no use for it, and would have to wait.
    if (!json && ended.checkpointStep() != null && ended.state().equals("completed")) {
      printSample(ended, coordinator, out);
    }
    pointers(ended, options).forEach(out::println);
    out.flush();
    if (keepUp) {
      session.keepUp();
    }
    if (ended.state().equals("failed")) {
      command.getErr().println("hetermoe: the run has failed: " + ended.reason());
      return 1;
    }
    return 0;
  }

  private static void requestStop(CoordinatorClient coordinator, RunView run, PrintWriter err)
      throws ApiException, InterruptedException {
    err.println();
    err.println("hetermoe: stopping run " + run.id() + " after its current step");
    err.flush();
    coordinator.stop(run.id());
  }

  private static void summarize(RunView run, PrintWriter out) {
    out.printf(
        Locale.ROOT,
        "run %s is %s after %d of %d steps%n",
        run.id(),
        run.state(),
        run.stepsDone(),
        run.steps());
    if (run.evaluationLoss() != null) {
      out.printf(
          Locale.ROOT,
          "evaluation loss: %.4f nats per %s%n",
          run.evaluationLoss(),
          ProgressReport.unit(run));
    }
  }

  /**
   * What the model writes now. A JVM that computes says on standard error that it uses an
   * incubating module, and this one has nothing else to compute: so the sample comes from one of
   * its own.
   */
  private static void printSample(RunView run, CoordinatorClient coordinator, PrintWriter out)
      throws IOException, InterruptedException {
    String prompt = run.spec().data().source().equals("jdk") ? "    public " : "The ";
    List<String> arguments =
        List.of(
            "generate",
            run.id().toString(),
            "--coordinator",
            coordinator.url().toString(),
            "--prompt",
            prompt,
            "--tokens",
            "160",
            "--temperature",
            "0.6");
    Process generator =
        new ProcessBuilder(Installation.current().computingCommand(Main.class, arguments))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    List<String> lines;
    try (BufferedReader reader = generator.inputReader(StandardCharsets.UTF_8)) {
      lines = reader.lines().toList();
    }
    if (generator.waitFor() == 0) {
      out.println("a sample of what it writes:");
      lines.forEach(line -> out.println("  | " + line));
    } else {
      out.println("no sample: ./hetermoe generate " + run.id() + " would say why");
    }
  }

  /** Where to look further. */
  private static List<String> pointers(RunView run, CoordinatorOptions options) {
    String id = run.id().toString().substring(0, 8);
    return options.local()
        ? List.of(
            "its history: ./hetermoe runs show " + id,
            "its data: " + options.dataDirectory().root(),
            "its logs: " + options.dataDirectory().logs())
        : List.of("its history: ./hetermoe runs show " + id + " --coordinator URL");
  }
}
