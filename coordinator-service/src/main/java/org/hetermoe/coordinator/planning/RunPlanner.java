package org.hetermoe.coordinator.planning;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.StepSpec;
import org.hetermoe.plan.Training;
import org.hetermoe.plan.place.NoPlacement;
import org.hetermoe.plan.place.PlannedPlacement;
import org.hetermoe.plan.place.Planner;
import org.hetermoe.plan.place.WorkBound;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.run.PlanningSpec;
import org.hetermoe.run.RunSpec;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.Split;
import org.hetermoe.simulate.Simulator;

/** Plans a run: from the profiles of its workers to a placement and its promise. Pure. */
public final class RunPlanner {
  private final RunSpec spec;
  private final GroupDevices devices;
  private final Schedule schedule;
  private final UnaryOperator<GroupCosts> correction;
  private final Simulator simulator = new Simulator();

  /** A planner of a run on a group. */
  RunPlanner(RunSpec spec, GroupDevices devices) {
    this(spec, devices, UnaryOperator.identity());
  }

  private RunPlanner(RunSpec spec, GroupDevices devices, UnaryOperator<GroupCosts> correction) {
    this.correction = correction;
    this.spec = spec;
    this.devices = devices;
    this.schedule =
        spec.training().schedule().schedule(spec.model().layers(), spec.training().microBatches());
  }

  /**
   * The same, set right by what the workers were measured to take.
   *
   * @param placement of the steps that were measured
   * @param loads of these steps
   * @param spent in such a step, by worker; nobody is set right without
   */
  public RunPlanner measured(
      Placement placement, ExpertLoads loads, Map<WorkerRank, MeasuredCosts.Spent> spent) {
    if (spent.isEmpty() || !informed()) {
      return this;
    }
    return new RunPlanner(
        spec, devices, costs -> MeasuredCosts.corrected(costs, profiled(loads), placement, spent));
  }

  /** A group of which a device is not known cannot be planned for. */
  public boolean informed() {
    return devices.unknown().isEmpty();
  }

  /** Whether attention workers may own experts: all of them, if any. */
  private boolean asymEa() {
    return spec.planning().asymEa() && devices.attentionOnly().isEmpty();
  }

  /** Why they may not although the run would have them. */
  private String withoutAsymEa() {
    return spec.planning().asymEa() && !asymEa()
        ? "; no experts on attention workers, of which %s cannot compute in %s"
            .formatted(
                devices.attentionOnly().stream()
                    .map(WorkerRank::toString)
                    .sorted()
                    .collect(Collectors.joining(", ")),
                spec.precision().experts().label())
        : "";
  }

  /** The plan at the start: as the run file counts experts, or as its planner decides. */
  public Decision decide(ExpertLoads loads) {
    PlanningSpec planning = spec.planning();
    if (!spec.workers().expertCounts().isEmpty()) {
      return given(
          Placement.ofCounts(spec.model().layers(), spec.workers().expertCounts()),
          "as workers.expert_counts says",
          loads);
    }
    if (planning.planner() == PlannerKind.NONE) {
      return given(
          even(), "experts evenly over the expert workers, as no planner is wanted", loads);
    }
    return plan(planning.planner(), loads);
  }

  /** What the run's planner would decide now, whatever the run file counts. */
  public Decision plan(PlannerKind kind, ExpertLoads loads) {
    if (!informed()) {
      return given(
          even(),
          "experts evenly over the expert workers, for there is no profile of "
              + String.join(", ", devices.unknown()),
          loads);
    }
    GroupCosts costs = costs(loads);
    return switch (Planner.of(kind, asymEa(), simulator).place(costs, schedule)) {
      case PlannedPlacement planned ->
          new Decision(
              planned.placement(),
              kind,
              planned.why() + withoutAsymEa(),
              Optional.of(promise(costs, planned.placement(), planned.stepSeconds())));
      case NoPlacement none ->
          given(even(), "experts evenly over the expert workers, for " + none.reason(), loads);
    };
  }

  /** What a placement that somebody else decided promises. */
  public Decision given(Placement placement, String why, ExpertLoads loads) {
    Optional<Decision.Promise> promise = Optional.empty();
    if (informed()) {
      GroupCosts costs = costs(loads);
      promise =
          Optional.of(promise(costs, placement, simulator.stepSeconds(costs, schedule, placement)));
    }
    return new Decision(placement, PlannerKind.NONE, why, promise);
  }

  /** Loads of which nothing is known. */
  public ExpertLoads balanced() {
    return ExpertLoads.balanced(spec.model().layers(), spec.model().experts());
  }

  private Placement even() {
    return Placement.balanced(
        spec.model().layers(), spec.model().experts(), spec.workers().experts().number());
  }

  private GroupCosts costs(ExpertLoads loads) {
    return correction.apply(profiled(loads));
  }

  /** Costs by the profiles of all workers, as the services train. */
  private GroupCosts profiled(ExpertLoads loads) {
    StepSpec step =
        new StepSpec(
            ModelShape.of(spec.name(), spec.model()),
            spec.data().sequenceLength(),
            IntStream.range(0, spec.training().microBatches()).mapToObj(this::sequences).toList(),
            Training.services(GroupPrecision.of(spec.precision()), spec.training().recompute()),
            1,
            loads);
    return CostModel.of(
        step, devices.of(WorkerRank.Role.ATTENTION), devices.of(WorkerRank.Role.EXPERT));
  }

  private int sequences(int microBatch) {
    return Split.of(spec.training().batchSequences(), spec.training().microBatches(), microBatch)
        .count();
  }

  private static Decision.Promise promise(
      GroupCosts costs, Placement placement, double stepSeconds) {
    Map<WorkerRank, Double> busy = new TreeMap<>();
    BusyShares.seconds(costs, placement)
        .forEach((worker, seconds) -> busy.put(worker, seconds / stepSeconds));
    return new Decision.Promise(stepSeconds, WorkBound.of(costs) / stepSeconds, busy);
  }
}
