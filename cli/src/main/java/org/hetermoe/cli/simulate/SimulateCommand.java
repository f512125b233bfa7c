package org.hetermoe.cli.simulate;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.hetermoe.cli.UsageException;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.Catalogue;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.place.Planner;
import org.hetermoe.run.Json;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.simulate.Comparison;
import org.hetermoe.simulate.Simulator;
import org.hetermoe.simulate.SystemKind;
import org.hetermoe.simulate.SystemResult;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Simulates systems on a cluster of mixed devices. */
@Command(
    name = "simulate",
    description = {
      "Simulates a training step on a cluster of mixed devices.",
      "Compares HeterMoE with other systems (expert parallelism, pipelines) on the same batch.",
      "Example: hetermoe simulate --cluster A40:6,V100:6 --model mixtral-d1 --seq 8192"
    },
    mixinStandardHelpOptions = true)
public final class SimulateCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private ScenarioOptions scenario;
  @Mixin private TimelineOptions timeline;

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

  @Option(names = "--json", description = "Prints one JSON object.")
  private boolean json;

  /** For picocli, which sets the fields. */
  public SimulateCommand() {}

  @Override
  public Integer call() throws IOException {
    List<SystemKind> kinds = SystemKind.parse(systems);
    ModelShape shape = shape();
    ClusterSpec spec = spec();
    Comparison comparison = Comparison.of(request(spec, shape));
    List<SystemResult> results = kinds.stream().map(comparison::under).toList();
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      out.println(
          Json.MAPPER
              .writerWithDefaultPrettyPrinter()
              .writeValueAsString(report(spec, shape, comparison, results)));
    } else {
      SystemTable.print(out, shape.name(), scenario.length(), comparison, results);
    }
    out.flush();
    timeline.write(results, shape.name() + " on " + cluster, scenario.length());
    return 0;
  }

  private SimulationReport report(
      ClusterSpec spec, ModelShape shape, Comparison comparison, List<SystemResult> results) {
    return new SimulationReport(
        new SimulationReport.Inputs(
            spec,
            shape,
            scenario.length(),
            scenario.precision(),
            scenario.recompute(),
            comparison.sequences(),
            comparison.attention(),
            comparison.expert(),
            planner,
            scenario.imbalance()),
        results.stream().map(SystemReport::of).toList());
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
        scenario.training(),
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
}
