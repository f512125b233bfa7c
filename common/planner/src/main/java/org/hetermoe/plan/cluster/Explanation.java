package org.hetermoe.plan.cluster;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Says of layouts why they won or lost. */
final class Explanation {
  private final DevicePool pool;
  private final GroupPlanner planner;

  Explanation(DevicePool pool, GroupPlanner planner) {
    this.pool = pool;
    this.planner = planner;
  }

  /** The same layouts with their reasons; the best is the first. */
  List<PlannedLayout> explain(List<PlannedLayout> planned) {
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
            - planner.worth(other.layout(), other.placed().stepSeconds())
                / planner.worth(best.layout(), best.placed().stepSeconds());
    String left = other.layout().leftOut(pool);
    return String.format(
        Locale.ROOT,
        "%.1f %% less: %s%s",
        100 * less,
        bottleneck(other),
        left.isEmpty() ? "" : "; leaves out " + left);
  }

  private static String bottleneck(PlannedLayout one) {
    StepShares use = one.use();
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
