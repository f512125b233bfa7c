package org.hetermoe.plan.cluster;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.ExpertCapacity;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.plan.WorkerCosts;
import org.hetermoe.plan.place.BestPlanner;
import org.hetermoe.plan.place.GroupEstimate;
import org.hetermoe.plan.place.NoPlacement;
import org.hetermoe.plan.place.PlannedPlacement;
import org.hetermoe.plan.place.Planner;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.ZebraSchedule;

/** Places the experts of a layout's group, roughly or thoroughly. One group stands for all. */
final class GroupPlanner {
  private static final double SHARE = 0.03;
  private static final double BEST_SHARE = 0.2;
  private static final double MEMORY_MATTERS = 0.97;

  private final DevicePool pool;
  private final TrainingJob job;
  private final Predictor predictor;
  private final Map<Layout, Optional<PlannedLayout>> planned = new HashMap<>();

  GroupPlanner(DevicePool pool, TrainingJob job, Predictor predictor) {
    this.pool = pool;
    this.job = job;
    this.predictor = predictor;
  }

  /** Tokens a second, or tokens per unit of currency where devices have prices. */
  double worth(Layout layout, double stepSeconds) {
    return pool.priced()
        ? tokensPerCurrency(layout, stepSeconds)
        : job.tokens(layout) / stepSeconds;
  }

  private double tokensPerCurrency(Layout layout, double stepSeconds) {
    double price = layout.pricePerHour(pool);
    return price > 0 ? job.tokens(layout) / stepSeconds * 3600 / price : 0;
  }

  /** Seconds of a step by a quick look at the group; empty if it does not fit. */
  OptionalDouble quickSeconds(Layout layout) {
    return GroupEstimate.seconds(costs(layout), schedule(layout));
  }

  /** A plan as good as a short search finds; empty if there is none. */
  Optional<PlannedLayout> plan(Layout layout) {
    return planned.computeIfAbsent(layout, unknown -> plan(unknown, SHARE));
  }

  /** What a layout is really worth at least: the predictor has followed its step. */
  double predictedWorth(Layout layout) {
    return plan(layout).map(one -> worth(layout, one.placed().stepSeconds())).orElse(0.0);
  }

  /** A longer search for the same layout. */
  Optional<PlannedLayout> planThoroughly(Layout layout) {
    return job.planner() == PlannerKind.BEST ? plan(layout, BEST_SHARE) : Optional.empty();
  }

  private Optional<PlannedLayout> plan(Layout layout, double share) {
    GroupCosts costs = costs(layout);
    if (!(planner(share).place(costs, schedule(layout)) instanceof PlannedPlacement placed)) {
      return Optional.empty();
    }
    StepShares use = StepShares.of(costs, placed.replicated(), placed.stepSeconds());
    Bottleneck limit =
        use.limit() != Bottleneck.COMMUNICATION && memoryMatters(costs, layout)
            ? Bottleneck.MEMORY
            : use.limit();
    return Optional.of(
        new PlannedLayout(
            layout,
            placed,
            job.tokens(layout) / placed.stepSeconds(),
            tokensPerCurrency(layout, placed.stepSeconds()),
            use,
            limit,
            ""));
  }

  /** Why a layout has no plan. */
  String reason(Layout layout) {
    return planner(SHARE).place(costs(layout), schedule(layout)) instanceof NoPlacement no
        ? no.reason()
        : "memory";
  }

  private Planner planner(double share) {
    return job.planner() == PlannerKind.BEST
        ? new BestPlanner(true, predictor, share, job.replicas())
        : Planner.of(job.planner(), true, predictor);
  }

  private GroupCosts costs(Layout layout) {
    return CostModel.of(
        job.step(layout), layout.attentionDevices(pool), layout.expertDevices(pool));
  }

  private Schedule schedule(Layout layout) {
    return new ZebraSchedule(job.model().layers(), layout.microBatches());
  }

  private boolean memoryMatters(GroupCosts costs, Layout layout) {
    ExpertCapacity capacity = new ExpertCapacity(costs);
    if (costs.attention().stream().allMatch(capacity::holdsAll)
        && costs.expert().stream().allMatch(capacity::holdsAll)) {
      return false;
    }
    GroupCosts boundless = costs.withWorkers(WorkerCosts::withBoundlessMemory);
    Schedule schedule = schedule(layout);
    double without = GroupEstimate.seconds(boundless, schedule).orElseThrow();
    return without < MEMORY_MATTERS * GroupEstimate.seconds(costs, schedule).orElseThrow();
  }
}
