package org.hetermoe.cli.run;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.PlanView;
import org.hetermoe.api.RunView;
import org.hetermoe.cli.CommandFailedException;
import org.hetermoe.cli.SignalHandler;
import org.hetermoe.cli.UsageException;
import org.hetermoe.cli.stack.Installation;
import org.hetermoe.run.Median;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.run.StepMetrics;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Trains examples/mixed-generations.yaml on the real services as DistEP, and as HeterMoE without
 * and with experts on attention workers, and holds the measured step times against the predicted.
 */
@Command(
    name = "emulated",
    description = {
      "Compares measured and predicted step times on emulated devices.",
      "Trains examples/mixed-generations.yaml with 2 emulated A40 and 2 emulated V100 as DistEP,",
      "and as HeterMoE without and with Asym-EA; prints the measured step time of each (median of",
      "the second half), the time it was planned with, the time that the simulator predicts with",
      "the measured expert loads, and the speed-ups. The exit code is 0 if every measured time is",
      "within 10 % of that prediction and all losses are the same."
    },
    mixinStandardHelpOptions = true)
public final class EmulatedBenchCommand implements Callable<Integer> {
  private static final double ALLOWED = 0.1;

  private static final List<Contender> CONTENDERS =
      List.of(
          new Contender("DistEP", "sequential", false),
          new Contender("HeterMoE without Asym-EA", "zebra", false),
          new Contender("HeterMoE with Asym-EA", "zebra", true));

  @Spec private CommandSpec command;
  @Mixin private CoordinatorOptions coordinatorOptions;

  @Option(
      names = "--steps",
      defaultValue = "16",
      description = "Steps of each system (default: ${DEFAULT-VALUE}).")
  private int steps;

  @Option(
      names = "--set",
      paramLabel = "path=value",
      description = "Overrides a field of the run file: --set emulation.time_scale=200.")
  private List<String> overrides = List.of();

  /** For picocli, which sets the fields. */
  public EmulatedBenchCommand() {}

  private record Contender(String title, String schedule, boolean asymEa) {}

  private record Measured(
      Contender system, double seconds, double planned, double predicted, List<Double> losses) {
    double difference() {
      return seconds / predicted - 1;
    }
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (steps < 4) {
      throw new UsageException("--steps must be at least 4, is " + steps);
    }
    PrintWriter err = command.commandLine().getErr();
    List<Measured> measured = new ArrayList<>();
    try (SignalHandler signals = SignalHandler.install();
        CoordinatorOptions.Session session = coordinatorOptions.open(err)) {
      for (Contender system : CONTENDERS) {
        measured.add(measure(system, session, err));
      }
      signals.onSignal(null);
    }
    boolean same = print(measured);
    return same && measured.stream().allMatch(one -> Math.abs(one.difference()) <= ALLOWED) ? 0 : 1;
  }

  private Measured measure(Contender system, CoordinatorOptions.Session session, PrintWriter err)
      throws IOException, InterruptedException {
    err.println("hetermoe: training " + steps + " steps as " + system.title);
    err.flush();
    RunSpec spec = spec(system);
    CoordinatorClient coordinator = FollowOptions.coordinatorFor(spec, session);
    LossRecorder report = new LossRecorder();
    RunView run =
        new RunFollower(coordinator, report, session::restore).follow(coordinator.submit(spec));
    if (!run.state().equals("completed")) {
      throw new CommandFailedException("the run did not complete: " + run.reason());
    }
    PlanView plan =
        coordinator
            .plan(run.id())
            .orElseThrow(() -> new CommandFailedException("the run has no plan"));
    if (plan.measured() == null || plan.measured().foreseeableSeconds() == null) {
      throw new CommandFailedException("nothing was predicted: " + plan.plan().why());
    }
    return new Measured(
        system,
        Median.of(
            coordinator.steps(run.id(), steps / 2 + 1).stream().mapToDouble(StepMetrics::seconds)),
        plan.plan().predictedStepSeconds(),
        plan.measured().foreseeableSeconds(),
        report.losses());
  }

  private RunSpec spec(Contender system) throws IOException {
    List<String> all = new ArrayList<>(overrides);
    all.addAll(
        List.of(
            "training.schedule=" + system.schedule,
            "planning.asym_ea=" + system.asymEa,
            "name=bench " + system.title,
            "training.steps=" + steps,
            "training.evaluate_every=0",
            "training.evaluate_sequences=1",
            "training.checkpoint_every=0",
            "planning.rebalance=false"));
    return RunSpecReader.read(
        Installation.current().home().resolve("examples/mixed-generations.yaml"), all);
  }

  /** Prints the table; returns whether the losses are the same. */
  private boolean print(List<Measured> measured) {
    PrintWriter out = command.commandLine().getOut();
    Measured base = measured.getFirst();
    out.printf(
        "%-26s %12s %12s %14s %11s %10s %10s%n",
        "system", "measured, s", "planned, s", "by loads, s", "difference", "speed-up", "by loads");
    for (Measured one : measured) {
      out.printf(
          Locale.ROOT,
          "%-26s %12.4f %12.4f %14.4f %+10.1f%% %9.2fx %9.2fx%n",
          one.system.title,
          one.seconds,
          one.planned,
          one.predicted,
          100 * one.difference(),
          base.seconds / one.seconds,
          base.predicted / one.predicted);
    }
    boolean same = measured.stream().allMatch(one -> one.losses.equals(base.losses));
    out.printf(
        "losses of all %d steps %s%n", steps, same ? "are identical to the last bit" : "DIFFER");
    out.flush();
    return same;
  }
}
