package org.hetermoe.plan.cluster;

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
import org.hetermoe.plan.ExpertCapacity;
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
 * has prices. All layouts get a estimate from the rates of their devices; the most promising get a
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

  private final DevicePool pool;
  private final TrainingJob job;
  private final Predictor predictor;
  private final LayoutEstimate estimate;

  private ClusterPlanner(DevicePool pool, TrainingJob job, Predictor predictor) {
    this.pool = pool.cached();
    this.job = job;
    this.predictor = predictor;
    this.estimate = new LayoutEstimate(this.pool, job);
  }

  /** A layout that the estimate has seen. */
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
  public static ClusterPlan plan(DevicePool pool, TrainingJob job, Predictor predictor, int keep) {
    return new ClusterPlanner(pool, job, predictor).plan(keep);
  }

  private ClusterPlan plan(int keep) {
    List<Candidate> candidates = new ArrayList<>();
    int[] counts = new int[2];
    new Layouts(pool, job, estimate)
        .each(
            layout -> {
              counts[0]++;
              if (estimate.holds(layout)) {
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
      } else if (worth(candidate.layout(), estimate.bound(candidate.layout())) <= best) {
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
        ranked(looked, keep), estimate.clusterBound(), counts[0], tooLittle, pruned, waiting);
  }

  private String none(int considered, String shortage) {
    String batch = job.fitted() ? "" : " with a global batch of " + job.globalBatch();
    if (considered == 0) {
      return "cannot be cut into groups with an attention worker and an expert worker each" + batch;
    }
    return "cannot train "
        + job.model().name()
        + batch
        + ": "
        + (shortage.isEmpty()
            ? "parameters, optimizer state and activations are more than the memory of any groups"
                + (job.fitted() ? "" : "; leave the global batch out to have it fitted")
            : shortage);
  }

  private Candidate candidate(Layout layout) {
    return new Candidate(layout, worth(layout, estimate.about(layout)));
  }

  /**
   * A quick look at a candidate. The estimate's count of memory is rough: a batch that may be
   * fitted is made smaller until it fits.
   */
  private Optional<Looked> look(Candidate candidate) {
    Layout layout = candidate.layout();
    for (int tries = 0; tries < (job.fitted() ? SMALLER : 1); tries++) {
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
    return pool.priced()
        ? tokensPerCurrency(layout, stepSeconds)
        : job.tokens(layout) / stepSeconds;
  }

  private double tokensPerCurrency(Layout layout, double stepSeconds) {
    double price = layout.pricePerHour(pool);
    return price > 0 ? job.tokens(layout) / stepSeconds * 3600 / price : 0;
  }

  private GroupCosts costs(Layout layout) {
    StepSpec step = job.step(layout);
    return CostModel.of(step, layout.attentionDevices(pool), layout.expertDevices(pool));
  }

  private static Schedule schedule(Layout layout, int layers) {
    return new ZebraSchedule(layers, layout.microBatches());
  }

  private Schedule schedule(Layout layout) {
    return schedule(layout, job.model().layers());
  }

  private String reason(GroupCosts costs, Layout layout) {
    return planner(SHARE).place(costs, schedule(layout)) instanceof NoPlacement no
        ? no.reason()
        : "memory";
  }

  private Planner planner(double share) {
    return job.planner() == PlannerKind.BEST
        ? new BestPlanner(true, predictor, share, true)
        : Planner.of(job.planner(), true, predictor);
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
          "planner", job.planner().label() + " finds no placement that fits; use best");
    }
    sort(planned);
    if (job.planner() == PlannerKind.BEST) {
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
    Utilization use = Utilization.of(costs, placed.replicated(), placed.stepSeconds());
    return Optional.of(
        new PlannedLayout(
            layout,
            placed,
            job.tokens(layout) / placed.stepSeconds(),
            tokensPerCurrency(layout, placed.stepSeconds()),
            use,
            use.limit() != Bottleneck.COMMUNICATION && memoryMatters(costs, layout)
                ? Bottleneck.MEMORY
                : use.limit(),
            ""));
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
    String left = best.layout().leftOut(pool);
    return String.format(
        Locale.ROOT,
        "attention on %s, experts on %s: the kinds that give up the least expert work for attention attend; %s%s",
        best.layout().attentionNames(pool),
        best.layout().expertNames(pool),
        bottleneck(best),
        left.isEmpty() ? "" : "; left out: " + left);
  }

  private String whyItLost(PlannedLayout best, PlannedLayout other) {
    double less =
        1
            - worth(other.layout(), other.placed().stepSeconds())
                / worth(best.layout(), best.placed().stepSeconds());
    String left = other.layout().leftOut(pool);
    return String.format(
        Locale.ROOT,
        "%.1f %% less: %s%s",
        100 * less,
        bottleneck(other),
        left.isEmpty() ? "" : "; leaves out " + left);
  }

  private static String bottleneck(PlannedLayout one) {
    Utilization use = one.use();
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
