package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.hetermoe.cluster.Device;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.plan.StepSpec;
import org.hetermoe.plan.WorkerCosts;
import org.hetermoe.schedule.Split;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Work;
import org.hetermoe.schedule.ZebraSchedule;

/**
 * Expert parallelism, one micro-batch after the other: a layer's attention, then its experts, whose
 * exchange overlaps with them in parts. Gradients are accumulated over as few micro-batches as
 * memory and speed want.
 *
 * <p>Over all devices alike, each has the attention of its share of the batch and its share of the
 * experts (EP); or each kind of device trains like that alone, and the throughputs are added (EP
 * ideal); or attention and experts are on different devices (DistEP), so that one side waits while
 * the other works.
 */
final class AlternatingTraining implements TrainingSystem {
  /** Parts in which a layer's exchange overlaps with its experts. */
  static final int PARTS = 2;

  private final SystemKind system;

  AlternatingTraining(SystemKind system) {
    this.system = system;
  }

  /**
   * Devices that train together.
   *
   * @param attention those that attend
   * @param expert those that only compute experts
   */
  private record Group(List<Device> attention, List<Device> expert) {
    int size() {
      return attention.size() + expert.size();
    }
  }

  /** A step and what it needs. */
  private record Step(StepTimeline timeline, int microBatches, int sequences) {
    double seconds() {
      return timeline.stepSeconds();
    }
  }

  @Override
  public SystemResult train(Scenario scenario, int sequences) {
    List<Step> steps = new ArrayList<>();
    List<Group> groups = groups(scenario);
    if (groups.isEmpty()) {
      return new SystemResult.Infeasible(
          system,
          system == SystemKind.DISTEP
              ? "no device is left for the experts"
              : "not every device can compute attention");
    }
    double tokensPerSecond = 0;
    for (Group group : groups) {
      int share = sequences * group.size() / Math.max(group.size(), scenario.devices().size());
      Step best = null;
      String reason = "memory";
      for (int microBatches : microBatches(group, Math.max(group.size(), share))) {
        Step step = step(scenario, group, Math.max(group.size(), share), microBatches);
        Optional<String> shortage = Memory.shortage(step.timeline().rows());
        if (shortage.isPresent() && !unlimited(scenario)) {
          reason = shortage.get();
        } else if (best == null || step.seconds() < best.seconds()) {
          best = step;
        }
      }
      if (best == null) {
        return new SystemResult.Infeasible(system, reason);
      }
      steps.add(best);
      tokensPerSecond += (double) best.sequences() * scenario.length() / best.seconds();
    }
    return new SystemResult.Trained(
        system,
        tokensPerSecond,
        steps.stream().mapToDouble(Step::seconds).max().orElse(0),
        steps.getFirst().microBatches(),
        List.of(),
        0,
        steps.stream().map(Step::timeline).toList());
  }

  @Override
  public boolean fits(Scenario scenario, int sequences) {
    for (Group group : groups(scenario)) {
      boolean any = unlimited(scenario);
      for (int microBatches : microBatches(group, sequences)) {
        any =
            any
                || Memory.shortage(rows(whole(scenario, group, sequences / microBatches)))
                    .isEmpty();
      }
      if (!any) {
        return false;
      }
    }
    return !groups(scenario).isEmpty();
  }

  /** EP (Ideal) is a bound on what splits by kind could do; on one kind it is plain EP. */
  private boolean unlimited(Scenario scenario) {
    return system == SystemKind.EP_IDEAL && scenario.byKind().size() > 1;
  }

  private List<Group> groups(Scenario scenario) {
    return switch (system) {
      case EP_IDEAL ->
          scenario.byKind().values().stream()
              .filter(kind -> kind.getFirst().profile().attention())
              .map(kind -> new Group(kind, List.of()))
              .toList();
      case DISTEP ->
          scenario.expert().isEmpty()
              ? List.of()
              : List.of(new Group(scenario.attention(), scenario.expert()));
      default ->
          scenario.allAttend() ? List.of(new Group(scenario.devices(), List.of())) : List.of();
    };
  }

  /** Numbers of micro-batches in which every device attends to as many sequences as the others. */
  private static List<Integer> microBatches(Group group, int sequences) {
    List<Integer> counts = new ArrayList<>();
    for (int count = 1; count <= sequences / group.attention().size(); count++) {
      if (sequences % (count * group.attention().size()) == 0) {
        counts.add(count);
      }
    }
    return counts.isEmpty() ? List.of(1) : counts;
  }

  private Step step(Scenario scenario, Group group, int sequences, int microBatches) {
    GroupCosts whole = whole(scenario, group, sequences / microBatches);
    int parts = PARTS;
    GroupCosts inParts = inParts(whole, microBatches, parts);
    boolean repeats = scenario.training().recompute().attention() && group.expert().isEmpty();
    List<Task> order =
        Stream.iterate(0, block -> block < microBatches, block -> block + 1)
            .flatMap(block -> block(whole.layers(), block, parts))
            .toList();
    Execution execution =
        Simulator.execute(
            inParts,
            new SimulatedWorkers(inParts, spread(inParts), true),
            order,
            order.stream().filter(task -> task.work() == Work.EXPERTS).toList(),
            new ExchangePolicy(parts, repeats ? 2 : 1));
    return new Step(StepTimeline.of(execution, rows(whole)), microBatches, sequences);
  }

  /** One micro-batch through all layers and back. */
  private static Stream<Task> block(int layers, int block, int parts) {
    return new ZebraSchedule(layers, parts)
        .attention().stream()
            .map(
                task ->
                    new Task(
                        task.work(),
                        task.stage(),
                        block * parts + task.microBatch(),
                        task.direction()));
  }

  private static GroupCosts whole(Scenario scenario, Group group, int sequences) {
    StepSpec step = scenario.step(sequences, 1);
    return group.expert().isEmpty()
        ? CostModel.alike(step, group.attention())
        : CostModel.of(step, group.attention(), group.expert());
  }

  private static List<StepTimeline.Row> rows(GroupCosts costs) {
    Placement spread = spread(costs);
    return Memory.rows(
        costs, new SimulatedWorkers(costs, spread, true), new ReplicatedPlacement(spread));
  }

  /** Experts in order over all that own some; counts differ by at most one. */
  private static Placement spread(GroupCosts costs) {
    if (!costs.expert().isEmpty()) {
      return Placement.balanced(costs.layers(), costs.experts(), costs.expert().size());
    }
    List<WorkerRank> layer = new ArrayList<>();
    for (int worker = 0; worker < costs.attention().size(); worker++) {
      int count = Split.of(costs.experts(), costs.attention().size(), worker).count();
      layer.addAll(Collections.nCopies(count, WorkerRank.attention(worker)));
    }
    return new Placement(Collections.nCopies(costs.layers(), layer));
  }

  private static GroupCosts inParts(GroupCosts costs, int microBatches, int parts) {
    return costs.withMicroBatches(microBatches * parts).withWorkers(worker -> part(worker, parts));
  }

  private static WorkerCosts part(WorkerCosts whole, int parts) {
    return whole
        .withSeconds(
            part(whole.attention(), parts),
            part(whole.embedding(), parts),
            part(whole.head(), parts),
            whole.experts())
        .withTokens(whole.tokens() / parts, whole.taskSeconds() / parts);
  }

  private static Passes part(Passes whole, int parts) {
    return new Passes(whole.forward() / parts, whole.backward() / parts);
  }
}
