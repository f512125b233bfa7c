package org.hetermoe.cli.run;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RunView;
import org.hetermoe.cli.SignalHandler;
import org.hetermoe.cli.UsageException;
import org.hetermoe.cli.stack.Installation;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.data.Batches;
import org.hetermoe.data.PackedTokens;
import org.hetermoe.group.Placement;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.SeededWeights;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.Median;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.train.LocalTrainer;
import org.hetermoe.train.step.TaskListener;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Trains the yardstick configuration in a single process and as one attention and one expert
 * service on the same cores, and says what disaggregation costs.
 */
@Command(
    name = "step",
    description = {
      "Measures what running as separate services costs.",
      "Trains examples/yardstick.yaml in this process alone and as 1 attention + 1 expert service,",
      "with the same threads on the same cores; prints tokens/s and GFLOP/s of each (medians of",
      "the second half of the steps) and the share that disaggregation costs."
    },
    mixinStandardHelpOptions = true)
public final class StepBenchCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private CoordinatorOptions coordinatorOptions;

  @Option(
      names = "--steps",
      defaultValue = "40",
      description = "Steps of each; the first half warms up (default: ${DEFAULT-VALUE}).")
  private int steps;

  /** For picocli, which sets the fields. */
  public StepBenchCommand() {}

  private record Measured(double tokensPerSecond, List<Double> losses) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (steps < 4) {
      throw new UsageException("--steps must be at least 4, is " + steps);
    }
    if (!coordinatorOptions.local()) {
      throw new UsageException("bench measures this machine; leave --coordinator out");
    }
    RunSpec spec =
        RunSpecReader.read(
            Installation.current().home().resolve("examples/yardstick.yaml"),
            List.of("training.steps=" + steps));
    PrintWriter err = command.commandLine().getErr();
    err.println("hetermoe: training " + steps + " steps in a single process");
    err.flush();
    Measured single = single(spec);
    err.println("hetermoe: training the same as 1 attention + 1 expert service");
    err.flush();
    Measured services = services(spec, err);
    print(spec, single, services);
    return single.losses.equals(services.losses) ? 0 : 1;
  }

  private Measured single(RunSpec spec) throws IOException, InterruptedException {
    int threads = Runtime.getRuntime().availableProcessors();
    int perStep = spec.training().batchSequences();
    coordinatorOptions.dataDirectory().create();
    GroupPlan plan =
        GroupPlan.of(spec, Placement.balanced(spec.model().layers(), spec.model().experts(), 1));
    List<Double> rates = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    try (PackedTokens tokens =
            PackedTokens.open(
                spec.data(),
                spec.seed(),
                spec.model().vocabulary(),
                coordinatorOptions.dataDirectory().tokens());
        Compute compute = Devices.open("cpu", threads);
        LocalTrainer trainer =
            new LocalTrainer(
                plan, compute, new SeededWeights(spec.model(), spec.seed()), TaskListener.NONE)) {
      Batches batches = new Batches(tokens, spec.data(), spec.seed());
      for (int step = 1; step <= steps; step++) {
        long start = System.nanoTime();
        losses.add(
            trainer.step(step, batches.training((long) (step - 1) * perStep, perStep)).loss());
        rates.add(tokens(spec) / ((System.nanoTime() - start) / 1e9));
      }
    }
    return new Measured(medianOfSecondHalf(rates), losses);
  }

  private Measured services(RunSpec spec, PrintWriter err)
      throws ApiException, InterruptedException {
    try (SignalHandler signals = SignalHandler.install();
        CoordinatorOptions.Session session = coordinatorOptions.open(err)) {
      CoordinatorClient coordinator = FollowOptions.coordinatorFor(spec, session);
      RunView run =
          new RunFollower(coordinator, new LossRecorder(), session::restore)
              .follow(coordinator.submit(spec));
      signals.onSignal(null);
      if (!run.state().equals("completed")) {
        throw new UsageException("the run did not complete: " + run.reason());
      }
      List<StepMetrics> metrics = new ArrayList<>();
      List<StepMetrics> page = coordinator.steps(run.id(), 1);
      while (!page.isEmpty()) {
        metrics.addAll(page);
        page = coordinator.steps(run.id(), metrics.getLast().step() + 1);
      }
      return new Measured(
          medianOfSecondHalf(metrics.stream().map(StepMetrics::tokensPerSecond).toList()),
          metrics.stream().map(StepMetrics::loss).toList());
    }
  }

  private void print(RunSpec spec, Measured single, Measured services) {
    PrintWriter out = command.commandLine().getOut();
    double gigaflopPerToken = 3 * forwardFlop(spec) / tokens(spec) / 1e9;
    out.printf("%-32s %12s %12s%n", "", "tokens/s", "GFLOP/s");
    row(out, "single process", single.tokensPerSecond, gigaflopPerToken);
    row(out, "1 attention + 1 expert service", services.tokensPerSecond, gigaflopPerToken);
    out.printf(
        Locale.ROOT,
        "disaggregation costs %.1f %% of the single process's tokens/s%n",
        100 * (1 - services.tokensPerSecond / single.tokensPerSecond));
    out.printf(
        "losses of all %d steps %s%n",
        steps, single.losses.equals(services.losses) ? "are identical to the last bit" : "DIFFER");
    out.flush();
  }

  private static void row(PrintWriter out, String name, double rate, double gigaflopPerToken) {
    out.printf(Locale.ROOT, "%-32s %,12.0f %,12.0f%n", name, rate, rate * gigaflopPerToken);
  }

  private static double tokens(RunSpec spec) {
    return (double) spec.training().batchSequences() * spec.data().sequenceLength();
  }

  /** Matrix products of one forward; the attention core counted over the whole square of scores. */
  private static double forwardFlop(RunSpec spec) {
    ModelConfig model = spec.model();
    double projections = 2.0 * model.hidden() * (2.0 * model.queryWidth() + 2.0 * model.kvWidth());
    double core = 4.0 * spec.data().sequenceLength() * model.queryWidth();
    double experts = 6.0 * model.topK() * model.hidden() * model.expertWidth();
    double head = 2.0 * model.hidden() * model.vocabulary();
    return tokens(spec) * (model.layers() * (projections + core + experts) + head);
  }

  private static double medianOfSecondHalf(List<Double> rates) {
    return Median.of(
        rates.subList(rates.size() / 2, rates.size()).stream().mapToDouble(Double::doubleValue));
  }
}
