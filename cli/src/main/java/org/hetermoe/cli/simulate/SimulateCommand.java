package org.hetermoe.cli.simulate;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.hetermoe.cli.UsageException;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.Catalogue;
import org.hetermoe.device.Precision;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.place.Planner;
import org.hetermoe.run.Json;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.simulate.Comparison;
import org.hetermoe.simulate.Simulator;
import org.hetermoe.simulate.StepTimeline;
import org.hetermoe.simulate.SystemKind;
import org.hetermoe.simulate.SystemResult;
import org.hetermoe.simulate.TimelineJson;
import org.hetermoe.simulate.ZebraChart;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Simulates systems on a cluster of mixed devices. */
@Command(
    name = "simulate",
    description = {
      "Simulates one training step on a cluster of mixed devices, under one or more systems.",
      "Example: hetermoe simulate --cluster A40:6,V100:6 --model mixtral-d1 --seq 8192"
    },
    mixinStandardHelpOptions = true)
public final class SimulateCommand implements Callable<Integer> {
  private static final double GIGA = 1e9;

  @Spec private CommandSpec command;
  @Mixin private ScenarioOptions scenario;

  @Option(
      names = "--cluster",
      required = true,
      paramLabel = "CLUSTER",
      description = "Kinds and counts (A40:6,V100:6), or a YAML file.")
  private String cluster;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description =
          "A known model (mixtral-d1, mixtral-8x7b, ...), a run file, or a file of sizes.")
  private String model;

  @Option(
      names = "--system",
      defaultValue = "all",
      description =
          "all, or some of hetermoe, hetermoe-no-asym-ea, ep, ep-ideal, distep, pp"
              + " (default: ${DEFAULT-VALUE}).")
  private String systems;

  @Option(
      names = "--network",
      paramLabel = "GBPS",
      description = "Gigabits per second of each network card, in each direction (default: 100).")
  private Double network;

  @Option(
      names = "--micro-batches",
      paramLabel = "R",
      description = "Micro-batches of HeterMoE (default: the best number).")
  private Integer microBatches;

  @Option(
      names = "--global-batch",
      paramLabel = "SEQUENCES",
      description = "Sequences of a step (default: the most that fit every system).")
  private Integer globalBatch;

  @Option(
      names = "--experts",
      paramLabel = "COUNT",
      description = "Experts per layer, instead of the model's.")
  private Integer experts;

  @Option(
      names = "--planner",
      defaultValue = "best",
      description = "Who places experts: best, paper or none (default: ${DEFAULT-VALUE}).")
  private String planner;

  @Option(
      names = "--trace",
      paramLabel = "FILE",
      description =
          "Writes the step of the first system: Chrome trace format, or our own JSON where FILE"
              + " ends in .timeline.json.")
  private Path trace;

  @Option(
      names = "--chart",
      paramLabel = "FILE",
      description = "Draws the step of the first system (SVG).")
  private Path chart;

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  /** For picocli, which sets the fields. */
  public SimulateCommand() {}

  /** The inputs as they were resolved. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  private record Inputs(
      ClusterSpec cluster,
      ModelShape model,
      int seq,
      Precision precision,
      int globalBatch,
      Map<String, Integer> attention,
      Map<String, Integer> expert,
      String planner,
      String imbalance) {}

  private record Report(Inputs inputs, List<SystemReport> systems) {}

  @Override
  public Integer call() throws IOException {
    List<SystemKind> kinds = SystemKind.parse(systems);
    ModelShape shape = shape();
    ClusterSpec spec = spec();
    Comparison comparison = Comparison.of(request(spec, shape));
    List<SystemResult> outcomes = kinds.stream().map(comparison::under).toList();
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      Inputs inputs =
          new Inputs(
              spec,
              shape,
              scenario.length(),
              scenario.precision(),
              comparison.sequences(),
              comparison.attention(),
              comparison.expert(),
              planner,
              scenario.imbalance());
      out.println(
          Json.MAPPER
              .writerWithDefaultPrettyPrinter()
              .writeValueAsString(
                  new Report(inputs, outcomes.stream().map(SystemReport::of).toList())));
    } else {
      print(out, shape, comparison, outcomes);
    }
    out.flush();
    draw(outcomes, shape);
    return 0;
  }

  private ModelShape shape() throws IOException {
    ModelShape shape = ModelOption.read(model);
    atLeastOne("--seq", scenario.length());
    if (experts != null) {
      if (experts < shape.topK()) {
        throw new UsageException(
            "--experts must be at least the model's experts per token (" + shape.topK() + ")");
      }
      shape = shape.withExperts(experts);
    }
    return shape;
  }

  private ClusterSpec spec() {
    ClusterSpec spec = ClusterSpec.parse(cluster);
    return network == null ? spec : spec.withGbps(network);
  }

  private Comparison.Request request(ClusterSpec spec, ModelShape shape) throws IOException {
    if (microBatches != null) {
      atLeastOne("--micro-batches", microBatches);
    }
    if (globalBatch != null) {
      atLeastOne("--global-batch", globalBatch);
    }
    Catalogue known = scenario.catalogue();
    List<List<Device>> byKind = new ArrayList<>();
    for (int kind = 0; kind < spec.devices().size(); kind++) {
      byKind.add(spec.devicesOf(kind, known, scenario.precision()));
    }
    return new Comparison.Request(
        shape,
        scenario.length(),
        byKind,
        scenario.precision(),
        scenario.loads(shape),
        Planner.withReplicas(plannerKind(), new Simulator()),
        microBatches == null ? 0 : microBatches,
        globalBatch == null ? 0 : globalBatch);
  }

  private PlannerKind plannerKind() {
    try {
      return PlannerKind.of(planner);
    } catch (InvalidFieldException unknown) {
      throw new UsageException("--planner must be best, paper or none, is '" + planner + "'");
    }
  }

  private static void atLeastOne(String option, int value) {
    if (value < 1) {
      throw new UsageException(option + " must be at least 1, is " + value);
    }
  }

  private void print(
      PrintWriter out, ModelShape shape, Comparison comparison, List<SystemResult> outcomes) {
    out.printf(
        Locale.ROOT,
        "%s, %d tokens a sequence, %d sequences a step; attention on %s, experts on %s%n%n",
        shape.name(),
        scenario.length(),
        comparison.sequences(),
        counts(comparison.attention()),
        counts(comparison.expert()));
    out.printf(
        "%-20s %12s %9s %4s %7s  %-26s %-26s %s%n",
        "system", "tokens/s", "step s", "R", "bound", "busy", "memory", "experts moved");
    for (SystemResult outcome : outcomes) {
      switch (outcome) {
        case SystemResult.Trained trained ->
            out.printf(
                Locale.ROOT,
                "%-20s %,12.0f %9.3f %4d %7s  %-26s %-26s %s%n",
                trained.system().label(),
                trained.tokensPerSecond(),
                trained.stepSeconds(),
                trained.microBatches(),
                trained.boundFraction() > 0 ? percent(trained.boundFraction()) : "",
                each(trained.busy(), SimulateCommand::percent),
                each(
                    trained.memoryBytes(),
                    bytes -> String.format(Locale.ROOT, "%.1f GB", bytes / GIGA)),
                trained.expertsMoved().isEmpty() ? "" : trained.expertsMoved());
        case SystemResult.Infeasible infeasible ->
            out.printf("%-20s %s%n", infeasible.system().label(), infeasible.reason());
      }
    }
  }

  private static String counts(Map<String, Integer> devices) {
    return devices.isEmpty()
        ? "nothing"
        : devices.entrySet().stream()
            .map(entry -> entry.getValue() + " " + entry.getKey())
            .collect(Collectors.joining(" + "));
  }

  private static <T> String each(Map<String, T> byKind, Function<T, String> text) {
    return byKind.entrySet().stream()
        .map(entry -> entry.getKey() + " " + text.apply(entry.getValue()))
        .collect(Collectors.joining(", "));
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * share);
  }

  private void draw(List<SystemResult> outcomes, ModelShape shape) throws IOException {
    if (trace == null && chart == null) {
      return;
    }
    SystemResult.Trained first =
        outcomes.stream()
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
              "%s: %s on %s, %d tokens a sequence, step %.1f ms",
              first.system().label(),
              shape.name(),
              cluster,
              scenario.length(),
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
