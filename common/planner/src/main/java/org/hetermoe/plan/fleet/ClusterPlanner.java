package org.hetermoe.plan.fleet;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.plan.StepSpec;
import org.hetermoe.plan.WorkerCosts;
import org.hetermoe.plan.place.BestPlanner;
import org.hetermoe.plan.place.GroupEstimate;
import org.hetermoe.plan.place.NoPlacement;
import org.hetermoe.plan.place.PlacementResult;
import org.hetermoe.plan.place.PlannedPlacement;
import org.hetermoe.plan.place.Planner;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.ZebraSchedule;

/**
 * Searches the layout of a cluster with the most tokens per second, or per unit of currency if it
 * has prices. All layouts get a forecast from the rates of their devices; the most promising get a
 * quick look at a group with its real costs; the best of those are planned and judged by the
 * predictor. One group stands for all: they are alike.
 */
public final class ClusterPlanner {
  private static final int LOOKS = 40;
  private static final int SAME_ROLES = 2;
  private static final int SAME_CUT = 16;
  private static final int SMALLER = 4;
  private static final double SHARE = 0.03;
  private static final double BEST_SHARE = 0.2;
  private static final double MEMORY_MATTERS = 0.97;

  private final Fleet fleet;
  private final FleetTask task;
  private final Predictor predictor;
  private final Forecast forecast;

  private ClusterPlanner(Fleet fleet, FleetTask task, Predictor predictor) {
    this.fleet = fleet.remembered();
    this.task = task;
    this.predictor = predictor;
    this.forecast = new Forecast(this.fleet, task);
  }

  /** A layout that the forecast has seen. */
  private record Candidate(Layout layout, double about) {
    private List<Object> roles() {
      return List.of(layout.groups(), layout.attention(), layout.expert());
    }

    /** Without who attends. */
    private List<Object> cut() {
      List<Integer> devices = new ArrayList<>();
      for (int kind = 0; kind < layout.attention().size(); kind++) {
        devices.add(layout.attention().get(kind) + layout.expert().get(kind));
      }
      return List.of(layout.groups(), devices);
    }
  }

  /** A candidate and its worth by a quick look. */
  private record Looked(Candidate candidate, double worth) {}

  /**
   * The plan.
   *
   * @param keep how many layouts to report
   * @throws InvalidFieldException if no layout is possible
   */
  public static ClusterPlan plan(Fleet fleet, FleetTask task, Predictor predictor, int keep) {
    return new ClusterPlanner(fleet, task, predictor).plan(keep);
  }

  private ClusterPlan plan(int keep) {
    List<Candidate> candidates = new ArrayList<>();
    int[] counts = new int[2];
    new Layouts(fleet, task, forecast)
        .each(
            layout -> {
              counts[0]++;
              if (forecast.holds(layout)) {
                candidates.add(candidate(layout));
              } else {
                counts[1]++;
              }
            });
    candidates.sort(Comparator.comparingDouble(candidate -> -candidate.about()));
    int tooLittle = counts[1];
    int pruned = 0;
    int waiting = 0;
    double best = 0;
    String shortage = "";
    Map<List<Object>, Integer> seen = new HashMap<>();
    List<Looked> looked = new ArrayList<>();
    for (Candidate candidate : candidates) {
      if (looked.size() >= LOOKS
          || seen.getOrDefault(candidate.roles(), 0) >= SAME_ROLES
          || seen.getOrDefault(candidate.cut(), 0) >= SAME_CUT) {
        waiting++;
      } else if (worth(candidate.layout(), forecast.bound(candidate.layout())) <= best) {
        pruned++;
      } else {
        Optional<Looked> found = look(candidate);
        if (found.isPresent()) {
          seen.merge(candidate.roles(), 1, Integer::sum);
          seen.merge(candidate.cut(), 1, Integer::sum);
          looked.add(found.get());
          best = Math.max(best, found.get().worth());
        } else {
          tooLittle++;
          if (shortage.isEmpty()) {
            shortage = reason(costs(candidate.layout()), candidate.layout());
          }
        }
      }
    }
    if (looked.isEmpty()) {
      throw new InvalidFieldException("cluster", none(counts[0], shortage));
    }
    looked.sort(Comparator.comparingDouble(one -> -one.worth()));
    return new ClusterPlan(
        ranked(looked, keep), forecast.clusterBound(), counts[0], tooLittle, pruned, waiting);
  }

  private String none(int considered, String shortage) {
    String batch = task.fitted() ? "" : " with a global batch of " + task.globalBatch();
    if (considered == 0) {
      return "cannot be cut into groups with an attention worker and an expert worker each" + batch;
    }
    return "cannot train "
        + task.model().name()
        + batch
        + ": "
        + (shortage.isEmpty()
            ? "parameters, optimizer state and activations are more than the memory of any groups"
                + (task.fitted() ? "" : "; leave the global batch out to have it fitted")
            : shortage);
  }

  private Candidate candidate(Layout layout) {
    return new Candidate(layout, worth(layout, forecast.about(layout)));
  }

  /**
   * A quick look at a candidate. The forecast's count of memory is rough: a batch that may be
   * fitted is made smaller until it fits.
   */
  private Optional<Looked> look(Candidate candidate) {
    Layout layout = candidate.layout();
    for (int tries = 0; tries < (task.fitted() ? SMALLER : 1); tries++) {
      OptionalDouble seconds = GroupEstimate.seconds(costs(layout), schedule(layout));
      if (seconds.isPresent()) {
        double worth = worth(layout, seconds.getAsDouble());
        return Optional.of(new Looked(new Candidate(layout, candidate.about()), worth));
      }
      int fewer = layout.microBatches() - Math.ceilDiv(layout.microBatches(), 8);
      if (fewer < 1) {
        return Optional.empty();
      }
      layout = layout.with(fewer, layout.sequences());
    }
    return Optional.empty();
  }

  /** Tokens a second, or tokens per unit of currency. */
  private double worth(Layout layout, double stepSeconds) {
    return fleet.priced()
        ? tokensPerCurrency(layout, stepSeconds)
        : task.tokens(layout) / stepSeconds;
  }

  private double tokensPerCurrency(Layout layout, double stepSeconds) {
    double price = layout.pricePerHour(fleet);
    return price > 0 ? task.tokens(layout) / stepSeconds * 3600 / price : 0;
  }

  private GroupCosts costs(Layout layout) {
    StepSpec step = task.step(layout);
    return CostModel.of(step, layout.attentionDevices(fleet), layout.expertDevices(fleet))
        .withGradientBytes(step.gradientBytes());
  }

  private static Schedule schedule(Layout layout, int layers) {
    return new ZebraSchedule(layers, layout.microBatches());
  }

  private Schedule schedule(Layout layout) {
    return schedule(layout, task.model().layers());
  }

  private String reason(GroupCosts costs, Layout layout) {
    return planner(SHARE).place(costs, schedule(layout)) instanceof NoPlacement no
        ? no.reason()
        : "memory";
  }

  private Planner planner(double share) {
    return task.planner() == PlannerKind.BEST
        ? new BestPlanner(true, predictor, share, true)
        : Planner.of(task.planner(), true, predictor);
  }

  private List<PlannedLayout> ranked(List<Looked> looked, int keep) {
    List<PlannedLayout> planned = new ArrayList<>();
    Map<List<Object>, Integer> seen = new HashMap<>();
    for (Looked one : looked) {
      if (planned.size() < keep && seen.merge(one.candidate().roles(), 1, Integer::sum) == 1) {
        planned(one.candidate().layout(), SHARE).ifPresent(planned::add);
      }
    }
    if (planned.isEmpty()) {
      throw new InvalidFieldException(
          "planner", task.planner().label() + " finds no placement that fits; use best");
    }
    sort(planned);
    if (task.planner() == PlannerKind.BEST) {
      planned(planned.getFirst().layout(), BEST_SHARE)
          .filter(better -> better.tokensPerSecond() > planned.getFirst().tokensPerSecond())
          .ifPresent(better -> planned.set(0, better));
    }
    return explained(planned);
  }

  private void sort(List<PlannedLayout> planned) {
    planned.sort(
        Comparator.comparingDouble(one -> -worth(one.layout(), one.placed().stepSeconds())));
  }

  private Optional<PlannedLayout> planned(Layout layout, double share) {
    GroupCosts costs = costs(layout);
    PlacementResult planning = planner(share).place(costs, schedule(layout));
    if (!(planning instanceof PlannedPlacement placed)) {
      return Optional.empty();
    }
    GroupUse use = GroupUse.of(costs, placed.replicated(), placed.stepSeconds());
    return Optional.of(
        new PlannedLayout(
            layout,
            placed,
            task.tokens(layout) / placed.stepSeconds(),
            tokensPerCurrency(layout, placed.stepSeconds()),
            use,
            use.limit() != Limit.COMMUNICATION && memoryMatters(costs, layout)
                ? Limit.MEMORY
                : use.limit(),
            ""));
  }

  private boolean memoryMatters(GroupCosts costs, Layout layout) {
    if (costs.attention().stream().allMatch(worker -> roomy(costs, worker))
        && costs.expert().stream().allMatch(worker -> roomy(costs, worker))) {
      return false;
    }
    GroupCosts boundless =
        new GroupCosts(
            costs.layers(),
            costs.experts(),
            costs.microBatches(),
            costs.topK(),
            costs.rowBytes(),
            costs.attention().stream().map(ClusterPlanner::boundless).toList(),
            costs.expert().stream().map(ClusterPlanner::boundless).toList(),
            costs.loads());
    Schedule schedule = schedule(layout);
    double without = GroupEstimate.seconds(boundless, schedule).orElseThrow();
    return without < MEMORY_MATTERS * GroupEstimate.seconds(costs, schedule).orElseThrow();
  }

  private static boolean roomy(GroupCosts costs, WorkerCosts worker) {
    return worker.mostExperts() >= (long) costs.layers() * costs.experts();
  }

  private static WorkerCosts boundless(WorkerCosts worker) {
    return new WorkerCosts(
        worker.device(),
        worker.attention(),
        worker.embedding(),
        worker.head(),
        worker.experts(),
        worker.reduceSeconds(),
        worker.optimizerSeconds(),
        worker.expertOptimizerSeconds(),
        worker.tokens(),
        worker.link(),
        worker.taskSeconds(),
        worker.memoryBytes(),
        worker.residentBytes(),
        0);
  }

  private List<PlannedLayout> explained(List<PlannedLayout> planned) {
    PlannedLayout best = planned.getFirst();
    List<PlannedLayout> explained = new ArrayList<>();
    explained.add(best.because(whyItWon(best)));
    for (PlannedLayout other : planned.subList(1, planned.size())) {
      explained.add(other.because(whyItLost(best, other)));
    }
    return explained;
  }

  private String whyItWon(PlannedLayout best) {
    String left = best.layout().leftOut(fleet);
    return String.format(
        Locale.ROOT,
        "attention on %s, experts on %s: the kinds that give up the least expert work for attention attend; %s%s",
        best.layout().attentionNames(fleet),
        best.layout().expertNames(fleet),
        bottleneck(best),
        left.isEmpty() ? "" : "; left out: " + left);
  }

  private String whyItLost(PlannedLayout best, PlannedLayout other) {
    double less =
        1
            - worth(other.layout(), other.placed().stepSeconds())
                / worth(best.layout(), best.placed().stepSeconds());
    String left = other.layout().leftOut(fleet);
    return String.format(
        Locale.ROOT,
        "%.1f %% less: %s%s",
        100 * less,
        bottleneck(other),
        left.isEmpty() ? "" : "; leaves out " + left);
  }

  private static String bottleneck(PlannedLayout one) {
    GroupUse use = one.use();
    return switch (one.limit()) {
      case ATTENTION ->
          String.format(
              Locale.ROOT,
              "attention workers are busy %.0f %%, expert workers %.0f %%",
              100 * use.attention(),
              100 * use.experts());
      case EXPERTS ->
          String.format(
              Locale.ROOT,
              "expert workers are busy %.0f %%, attention workers %.0f %%",
              100 * use.experts(),
              100 * use.attention());
      case COMMUNICATION ->
          String.format(Locale.ROOT, "a network card is busy %.0f %%", 100 * use.network());
      case MEMORY -> "memory keeps experts from where they would be faster";
      case WAITING ->
          String.format(
              Locale.ROOT,
              "attention workers are busy %.0f %%, expert workers %.0f %%: they wait for each other",
              100 * use.attention(),
              100 * use.experts());
    };
  }
}
