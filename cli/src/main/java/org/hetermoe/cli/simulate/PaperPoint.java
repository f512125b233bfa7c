package org.hetermoe.cli.simulate;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.device.Catalogue;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.Training;
import org.hetermoe.plan.place.BestPlanner;
import org.hetermoe.plan.place.Planner;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.simulate.Comparison;
import org.hetermoe.simulate.Simulator;
import org.hetermoe.simulate.SystemKind;
import org.hetermoe.simulate.SystemResult;
import org.hetermoe.tensor.DType;

/**
 * One set-up, model and length under all systems.
 *
 * @param setup of the paper
 * @param model its name
 * @param length of a sequence
 * @param sequences of the global batch
 * @param results by system, HeterMoE with the paper's planner
 * @param best HeterMoE with our planner
 */
record PaperPoint(
    PaperSetup setup,
    String model,
    int length,
    int sequences,
    Map<SystemKind, SystemResult> results,
    SystemResult best) {
  /** Part of the search's whole budget, so that all points take a minute or two. */
  private static final double EFFORT = 0.02;

  static PaperPoint simulate(PaperSetup setup, String name, int length) {
    Simulator simulator = new Simulator();
    Planner algorithm = Planner.of(PlannerKind.PAPER, true, simulator);
    Comparison paper = comparison(setup, name, length, algorithm, 0, 0);
    Comparison best =
        comparison(
            setup, name, length, new BestPlanner(true, simulator, EFFORT), 0, paper.sequences());
    Map<SystemKind, SystemResult> results = new EnumMap<>(SystemKind.class);
    for (SystemKind kind : SystemKind.values()) {
      results.put(kind, paper.under(kind));
    }
    return new PaperPoint(
        setup, name, length, paper.sequences(), results, best.under(SystemKind.HETERMOE));
  }

  /** HeterMoE with the paper's planner and so many micro-batches. */
  static Comparison comparison(
      PaperSetup setup, String name, int length, int microBatches, int sequences) {
    Planner algorithm = Planner.of(PlannerKind.PAPER, true, new Simulator());
    return comparison(setup, name, length, algorithm, microBatches, sequences);
  }

  private static Comparison comparison(
      PaperSetup setup, String name, int length, Planner planner, int microBatches, int sequences) {
    ModelShape model = KnownModels.of(name);
    ClusterSpec cluster = ClusterSpec.parse(setup.cluster()).withGbps(setup.gbps());
    return Comparison.of(
        new Comparison.Request(
            model,
            length,
            List.of(
                cluster.devicesOf(0, Catalogue.builtIn(), DType.F16),
                cluster.devicesOf(1, Catalogue.builtIn(), DType.F16)),
            Training.paper(DType.F16),
            ExpertLoads.balanced(model.layers(), model.experts()),
            planner,
            microBatches,
            sequences));
  }

  boolean is(String setupName, String modelName) {
    return setup.name().equals(setupName) && model.equals(modelName);
  }

  /** Tokens per second; empty if the system does not fit. */
  Optional<Double> tokensPerSecond(SystemKind kind) {
    return tokensPerSecond(results.get(kind));
  }

  Optional<Double> bestTokensPerSecond() {
    return tokensPerSecond(best);
  }

  private static Optional<Double> tokensPerSecond(SystemResult result) {
    return result instanceof SystemResult.Trained trained
        ? Optional.of(trained.tokensPerSecond())
        : Optional.empty();
  }

  /** How many times faster HeterMoE is than a system; empty if either does not fit. */
  Optional<Double> speedUpOver(SystemKind kind, boolean ours) {
    return (ours ? bestTokensPerSecond() : tokensPerSecond(SystemKind.HETERMOE))
        .flatMap(own -> tokensPerSecond(kind).map(other -> own / other));
  }

  /** Share of the step that a kind of device computes, in percent; empty if it does not fit. */
  Optional<Double> busyPercent(SystemKind kind, String device) {
    return results.get(kind) instanceof SystemResult.Trained trained
        ? trained.busy().entrySet().stream()
            .filter(entry -> entry.getKey().startsWith(device))
            .map(entry -> 100 * entry.getValue())
            .findFirst()
        : Optional.empty();
  }
}
