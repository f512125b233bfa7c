package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.hetermoe.cluster.Device;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.MemoryModel;
import org.hetermoe.plan.StepSpec;
import org.hetermoe.plan.WorkerCosts;
import org.hetermoe.schedule.Split;

/**
 * Pipelines side by side, each with its part of every kind of device (one A40 and two V100, say).
 * Devices of one kind in a pipeline are a stage each, or one stage together that shares each
 * micro-batch; which of the two, how many layers each kind gets, which kind comes first and the
 * number of micro-batches are tuned. The devices that have the same layers share their experts.
 */
final class Pipeline implements TrainingSystem {
  private static final int MOST_MICRO_BATCHES = 64;

  /**
   * Consecutive stages of one kind.
   *
   * @param devices all devices of the kind
   * @param stages how many stages they make
   */
  private record Section(List<Device> devices, int stages) {
    int width() {
      return devices.size() / stages;
    }
  }

  @Override
  public SystemResult train(Scenario scenario, int sequences) {
    SystemResult.Trained best = null;
    if (!scenario.allAttend()) {
      return new SystemResult.Infeasible(SystemKind.PP, "not every device can compute attention");
    }
    String reason = "there are more stages than layers";
    for (List<Section> sections : arrangements(scenario)) {
      for (int microBatches : microBatches(sections, sequences)) {
        for (List<Integer> layers : layersOf(sections, scenario.model().layers())) {
          List<PipelineStage> stages =
              stages(scenario, sections, layers, sequences / microBatches, microBatches);
          List<StepTimeline.Row> rows = rows(stages, scenario, microBatches);
          Optional<String> shortage = Memory.shortage(rows);
          if (shortage.isPresent()) {
            reason = shortage.get();
            continue;
          }
          Execution execution = execute(scenario, stages, microBatches);
          if (best == null || execution.seconds < best.stepSeconds()) {
            best = trained(scenario, sequences, microBatches, execution, rows);
          }
        }
      }
    }
    return best == null ? new SystemResult.Infeasible(SystemKind.PP, reason) : best;
  }

  @Override
  public boolean fits(Scenario scenario, int sequences) {
    if (!scenario.allAttend()) {
      return false;
    }
    for (List<Section> sections : arrangements(scenario)) {
      for (int microBatches : microBatches(sections, sequences)) {
        for (List<Integer> layers : layersOf(sections, scenario.model().layers())) {
          List<PipelineStage> stages =
              stages(scenario, sections, layers, sequences / microBatches, microBatches);
          if (Memory.shortage(rows(stages, scenario, microBatches)).isEmpty()) {
            return true;
          }
        }
      }
    }
    return false;
  }

  private static Execution execute(
      Scenario scenario, List<PipelineStage> stages, int microBatches) {
    return Execution.of(
        PipelineGraph.of(
            stages,
            microBatches,
            AlternatingTraining.PARTS,
            scenario.training().recompute().attention() ? 2 : 1));
  }

  private static SystemResult.Trained trained(
      Scenario scenario,
      int sequences,
      int microBatches,
      Execution execution,
      List<StepTimeline.Row> rows) {
    return new SystemResult.Trained(
        SystemKind.PP,
        (double) sequences * scenario.length() / execution.seconds,
        execution.seconds,
        microBatches,
        List.of(),
        0,
        List.of(StepTimeline.of(execution, rows)));
  }

  private static List<List<Section>> arrangements(Scenario scenario) {
    List<List<Device>> kinds = new ArrayList<>(scenario.byKind().values());
    if (kinds.size() == 1) {
      List<Device> devices = kinds.getFirst();
      int stages = devices.size() % 2 == 0 ? 2 : devices.size();
      return List.of(List.of(new Section(devices, stages)));
    }
    int pipelines = kinds.stream().map(List::size).reduce(0, Pipeline::commonDivisor);
    List<List<Section>> arrangements = new ArrayList<>();
    for (List<List<Device>> order : List.of(kinds, kinds.reversed())) {
      arrangements.add(
          order.stream().map(devices -> new Section(devices, devices.size() / pipelines)).toList());
      if (pipelines * kinds.size() < scenario.devices().size()) {
        arrangements.add(order.stream().map(devices -> new Section(devices, 1)).toList());
      }
    }
    return arrangements;
  }

  private static int commonDivisor(int one, int other) {
    return other == 0 ? one : commonDivisor(other, one % other);
  }

  /** Every device of the narrowest stage gets whole sequences. */
  private static List<Integer> microBatches(List<Section> sections, int sequences) {
    int narrowest = sections.stream().mapToInt(Section::width).min().orElse(1);
    List<Integer> counts = new ArrayList<>();
    for (int count = 1; count <= Math.min(sequences, MOST_MICRO_BATCHES); count++) {
      if (sequences % count == 0 && (count == 1 || sequences / count >= narrowest)) {
        counts.add(count);
      }
    }
    return counts;
  }

  /** All ways to share the layers among the sections, at least one a stage. */
  private static List<List<Integer>> layersOf(List<Section> sections, int layers) {
    int stages = sections.getFirst().stages();
    if (sections.size() == 1) {
      return layers < stages ? List.of() : List.of(List.of(layers));
    }
    List<List<Integer>> ways = new ArrayList<>();
    for (int own = stages; own < layers; own++) {
      for (List<Integer> rest : layersOf(sections.subList(1, sections.size()), layers - own)) {
        List<Integer> way = new ArrayList<>(List.of(own));
        way.addAll(rest);
        ways.add(way);
      }
    }
    return ways;
  }

  private static List<PipelineStage> stages(
      Scenario scenario,
      List<Section> sections,
      List<Integer> layers,
      int sequencesOfMicroBatch,
      int microBatches) {
    List<PipelineStage> stages = new ArrayList<>();
    int count = sections.stream().mapToInt(Section::stages).sum();
    StepSpec step = scenario.step(sequencesOfMicroBatch, microBatches);
    for (int at = 0; at < sections.size(); at++) {
      Section section = sections.get(at);
      GroupCosts costs = CostModel.alike(step, section.devices().subList(0, section.width()));
      for (int stage = 0; stage < section.stages(); stage++) {
        stages.add(
            new PipelineStage(
                costs,
                section.width(),
                Split.of(layers.get(at), section.stages(), stage).count(),
                stages.isEmpty(),
                stages.size() == count - 1));
      }
    }
    return stages;
  }

  private static List<StepTimeline.Row> rows(
      List<PipelineStage> stages, Scenario scenario, int microBatches) {
    List<StepTimeline.Row> rows = new ArrayList<>();
    MemoryModel memory = new MemoryModel(scenario.step(1, microBatches));
    for (int stage = 0; stage < stages.size(); stage++) {
      PipelineStage own = stages.get(stage);
      WorkerCosts worker = own.worker();
      rows.add(
          new StepTimeline.Row(
              "stage-" + stage,
              worker.device(),
              own.width(),
              memory.stageBytes(
                  own.layers(),
                  own.experts(),
                  worker.tokens(),
                  Math.min(microBatches, stages.size() - stage),
                  own.width(),
                  own.first() || own.last(),
                  own.last()),
              worker.memoryBytes()));
    }
    return rows;
  }
}
