package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.hetermoe.cluster.Device;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Split;
import org.hetermoe.plan.StepSpec;
import org.hetermoe.plan.WorkerCosts;

/**
 * Pipelines side by side, each with the same devices of every kind (one A40 and two V100, say). A
 * stage is a device; how many layers each kind gets, which kind comes first and the number of
 * micro-batches are tuned. The devices that have the same stage share its experts.
 */
final class Pipeline implements TrainingSystem {
  private static final int MOST_MICRO_BATCHES = 32;

  @Override
  public Outcome train(Scenario scenario, int sequences) {
    return tune(scenario, sequences);
  }

  @Override
  public boolean fits(Scenario scenario, int sequences) {
    return tune(scenario, sequences) instanceof Outcome.Trained;
  }

  private static Outcome tune(Scenario scenario, int sequences) {
    List<List<Device>> kinds = new ArrayList<>(scenario.byKind().values());
    int pipelines = kinds.stream().map(List::size).reduce(0, Pipeline::commonDivisor);
    if (kinds.size() == 1 && pipelines % 2 == 0) {
      // Devices of one kind: pipelines of two.
      pipelines /= 2;
    }
    int stages = scenario.devices().size() / pipelines;
    String reason = stages + " stages are more than " + scenario.model().layers() + " layers";
    Outcome.Trained best = null;
    for (List<List<Device>> order : orders(kinds)) {
      for (int microBatches : microBatches(scenario, sequences / pipelines)) {
        for (List<Integer> layers : layersByKind(order, pipelines, scenario.model().layers())) {
          List<PipelineStage> built =
              stages(scenario, order, layers, pipelines, sequences, microBatches);
          List<Simulation.Row> rows = rows(built, scenario, microBatches);
          Optional<String> shortage = Memory.shortage(rows);
          if (shortage.isPresent()) {
            reason = shortage.get();
            continue;
          }
          Execution execution =
              Execution.of(
                  PipelineGraph.of(
                      built, microBatches, ExpertParallel.PARTS, scenario.checkpointing() ? 2 : 1));
          if (best == null || execution.seconds < best.stepSeconds()) {
            best =
                new Outcome.Trained(
                    SystemKind.PP,
                    (double) (sequences / pipelines * pipelines)
                        * scenario.length()
                        / execution.seconds,
                    execution.seconds,
                    microBatches,
                    List.of(),
                    0,
                    List.of(Simulation.of(execution, rows)));
          }
        }
      }
    }
    return best == null ? new Outcome.Impossible(SystemKind.PP, reason) : best;
  }

  private static int commonDivisor(int one, int other) {
    return other == 0 ? one : commonDivisor(other, one % other);
  }

  /** Whichever kind comes first: the kinds as they are, and the other way round. */
  private static List<List<List<Device>>> orders(List<List<Device>> kinds) {
    return kinds.size() == 1 ? List.of(kinds) : List.of(kinds, kinds.reversed());
  }

  private static List<Integer> microBatches(Scenario scenario, int sequencesOfPipeline) {
    List<Integer> counts = new ArrayList<>();
    for (int count = 1; count <= Math.min(sequencesOfPipeline, MOST_MICRO_BATCHES); count++) {
      if (sequencesOfPipeline % count == 0) {
        counts.add(count);
      }
    }
    return counts;
  }

  /** All ways to share the layers among the kinds, at least one a stage. */
  private static List<List<Integer>> layersByKind(
      List<List<Device>> kinds, int pipelines, int layers) {
    int stages = kinds.getFirst().size() / pipelines;
    if (kinds.size() == 1) {
      return layers < stages ? List.of() : List.of(List.of(layers));
    }
    List<List<Integer>> ways = new ArrayList<>();
    for (int own = stages; own < layers; own++) {
      for (List<Integer> rest :
          layersByKind(kinds.subList(1, kinds.size()), pipelines, layers - own)) {
        List<Integer> way = new ArrayList<>(List.of(own));
        way.addAll(rest);
        ways.add(way);
      }
    }
    return ways;
  }

  private static List<PipelineStage> stages(
      Scenario scenario,
      List<List<Device>> kinds,
      List<Integer> layers,
      int pipelines,
      int sequences,
      int microBatches) {
    List<PipelineStage> stages = new ArrayList<>();
    int count = scenario.devices().size() / pipelines;
    int perPipeline = sequences / pipelines / microBatches;
    StepSpec step = scenario.step(perPipeline * pipelines, microBatches);
    for (int kind = 0; kind < kinds.size(); kind++) {
      int ofKind = kinds.get(kind).size() / pipelines;
      GroupCosts costs =
          CostModel.alike(step, Collections.nCopies(pipelines, kinds.get(kind).getFirst()));
      for (int stage = 0; stage < ofKind; stage++) {
        stages.add(
            new PipelineStage(
                costs,
                pipelines,
                Split.of(layers.get(kind), ofKind, stage).count(),
                stages.isEmpty(),
                stages.size() == count - 1));
      }
    }
    return stages;
  }

  private static List<Simulation.Row> rows(
      List<PipelineStage> stages, Scenario scenario, int microBatches) {
    List<Simulation.Row> rows = new ArrayList<>();
    for (int stage = 0; stage < stages.size(); stage++) {
      PipelineStage own = stages.get(stage);
      WorkerCosts worker = own.worker();
      int inFlight = Math.min(microBatches, stages.size() - stage);
      rows.add(
          new Simulation.Row(
              "stage-" + stage,
              worker.device(),
              own.width(),
              CostModel.stageBytes(
                  scenario.step(own.costs().attention().size(), microBatches),
                  own.layers(),
                  own.experts(),
                  worker.tokens(),
                  inFlight,
                  own.width(),
                  own.first() || own.last(),
                  own.last()),
              worker.memoryBytes()));
    }
    return rows;
  }
}
