package org.hetermoe.cli.run;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.CheckpointView;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.PlanView;
import org.hetermoe.api.RunView;
import org.hetermoe.cli.UsageException;
import org.hetermoe.run.Json;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.run.StepMetrics;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The history of runs. */
@Command(
    name = "runs",
    description = "Lists runs, newest first, or shows one.",
    mixinStandardHelpOptions = true,
    subcommands = {RunsCommand.ListCommand.class, RunsCommand.ShowCommand.class})
public final class RunsCommand implements Callable<Integer> {
  private static final int LISTED = 50;
  private static final int STEPS_SHOWN = 5;

  @Spec private CommandSpec command;
  @Mixin private CoordinatorOptions coordinatorOptions;

  @Option(names = "--json", description = "One JSON object a run on standard output.")
  private boolean json;

  /** For picocli, which sets the fields. */
  public RunsCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    return list(command, coordinatorOptions, json);
  }

  @Command(
      name = "list",
      description = "Lists runs, newest first.",
      mixinStandardHelpOptions = true)
  static final class ListCommand implements Callable<Integer> {
    @Spec private CommandSpec command;
    @Mixin private CoordinatorOptions coordinatorOptions;

    @Option(names = "--json", description = "One JSON object a run on standard output.")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
      return list(command, coordinatorOptions, json);
    }
  }

  @Command(
      name = "show",
      description = "Shows a run: its states, plan, last steps, checkpoints and run file.",
      mixinStandardHelpOptions = true)
  static final class ShowCommand implements Callable<Integer> {
    @Spec private CommandSpec command;
    @Mixin private CoordinatorOptions coordinatorOptions;

    @Mixin private RunArgument runArgument;

    @Option(names = "--json", description = "The run as one JSON object on standard output.")
    private boolean json;

    @Option(
        names = "--plan",
        description = "What was planned and measured as one JSON object on standard output.")
    private boolean plan;

    @Override
    public Integer call() throws IOException, InterruptedException {
      PrintWriter out = command.commandLine().getOut();
      try (CoordinatorOptions.Session session =
          coordinatorOptions.open(command.commandLine().getErr())) {
        CoordinatorClient coordinator = session.coordinator();
        RunView run = runArgument.find(coordinator);
        if (plan) {
          out.println(Json.MAPPER.writeValueAsString(planned(coordinator, run)));
        } else if (json) {
          out.println(Json.MAPPER.writeValueAsString(run));
        } else {
          show(run, coordinator, out);
        }
        return 0;
      }
    }
  }

  private static PlanView planned(CoordinatorClient coordinator, RunView run)
      throws ApiException, InterruptedException {
    return coordinator
        .plan(run.id())
        .orElseThrow(() -> new UsageException("run " + run.id() + " has no plan yet"));
  }

  private static int list(CommandSpec command, CoordinatorOptions options, boolean json)
      throws IOException, InterruptedException {
    PrintWriter out = command.commandLine().getOut();
    try (CoordinatorOptions.Session session = options.open(command.commandLine().getErr())) {
      List<RunView> runs = session.coordinator().runs(LISTED);
      if (json) {
        for (RunView run : runs) {
          out.println(Json.MAPPER.writeValueAsString(run));
        }
        return 0;
      }
      out.printf(
          "%-10s %-24s %-10s %13s %9s %11s  %s%n",
          "run", "name", "state", "steps", "loss", "evaluation", "created");
      for (RunView run : runs) {
        out.printf(
            "%-10s %-24s %-10s %13s %9s %11s  %s%n",
            run.id().toString().substring(0, 8),
            shortened(run.name(), 24),
            run.state(),
            run.stepsDone() + "/" + run.steps(),
            number(run.lastLoss()),
            number(run.evaluationLoss()),
            run.createdAt());
      }
      return 0;
    }
  }

  private static void show(RunView run, CoordinatorClient coordinator, PrintWriter out)
      throws ApiException, InterruptedException {
    out.println("run:        " + run.id() + " (" + run.name() + ")");
    out.println("state:      " + run.state() + ": " + run.reason());
    out.println("version:    " + run.softwareVersion());
    out.println("steps:      " + run.stepsDone() + " of " + run.steps());
    out.println("loss:       " + number(run.lastLoss()));
    out.println("evaluation: " + number(run.evaluationLoss()));
    out.println("history:");
    for (RunView.StateChange change : run.history()) {
      out.println("  " + change.at() + "  " + change.state() + ": " + change.reason());
    }
    Optional<PlanView> plan = coordinator.plan(run.id());
    if (plan.isPresent()) {
      RunPlanReport.print(plan.get(), out);
    }
    List<StepMetrics> last =
        coordinator.steps(run.id(), Math.max(1, run.stepsDone() - STEPS_SHOWN + 1));
    out.println("last steps:");
    for (StepMetrics step : last) {
      out.printf(
          Locale.ROOT,
          "  %6d  loss %.4f  %,.0f tokens/s  busy %.0f%%/%.0f%%%n",
          step.step(),
          step.loss(),
          step.tokensPerSecond(),
          100 * step.attentionBusy(),
          100 * step.expertBusy());
    }
    out.println("checkpoints:");
    for (CheckpointView checkpoint : coordinator.checkpoints(run.id())) {
      out.printf(
          Locale.ROOT,
          "  step %d: %,d bytes in %d shards, %s%n",
          checkpoint.step(),
          checkpoint.bytes(),
          checkpoint.shards().size(),
          checkpoint.createdAt());
    }
    out.println("run file:");
    RunSpecReader.toYaml(run.spec()).lines().forEach(line -> out.println("  " + line));
  }

  private static String number(Double value) {
    return value == null ? "-" : String.format(Locale.ROOT, "%.4f", value);
  }

  private static String shortened(String text, int width) {
    return text.length() <= width ? text : text.substring(0, width - 3) + "...";
  }
}
