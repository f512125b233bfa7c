package org.hetermoe.cli.plan;

import java.io.PrintWriter;
import java.util.Locale;
import org.hetermoe.plan.cluster.ClusterPlan;
import org.hetermoe.plan.cluster.PlannedLayout;
import org.hetermoe.plan.cluster.TrainingJob;

/** What the plan command prints for people: the best layouts, then the best in detail. */
final class ClusterPlanTable {
  private ClusterPlanTable() {}

  static void print(
      PrintWriter out, PlanCommand.Request request, ClusterPlan plan, double seconds) {
    TrainingJob task = request.task();
    boolean priced = request.pool().priced();
    out.printf(
        Locale.ROOT,
        "%s, sequences of %d, global batch %s%d, precision %s, recompute %s, planner %s%n%n",
        task.model().name(),
        task.length(),
        task.fitted() ? "of at most " : "",
        task.globalBatch(),
        task.training().precision().label(),
        task.training().recompute().label(),
        task.planner().label());
    out.printf(
        "%6s  %-24s  %-28s  %3s  %6s  %10s  %s%6s  %s%n",
        "groups",
        "attention",
        "experts",
        "R",
        "batch",
        "tokens/s",
        priced ? "  tokens/cur.  " : "",
        "bound",
        "limit");
    for (PlannedLayout one : plan.layouts()) {
      out.printf(
          Locale.ROOT,
          "%6d  %-24s  %-28s  %3d  %6d  %10.0f  %s%5.1f%%  %s%n",
          one.layout().groups(),
          one.layout().attentionNames(request.pool()),
          one.layout().expertNames(request.pool()),
          one.layout().microBatches(),
          one.layout().globalBatch(),
          one.tokensPerSecond(),
          priced ? String.format(Locale.ROOT, "%12.0f  ", one.tokensPerCurrency()) : "",
          100 * one.placed().boundFraction(),
          one.limit().label());
      out.printf("        %s%n", one.why());
    }
    PlannedLayout best = plan.best();
    out.printf(
        "%nexperts moved to attention workers, per layer: %s%n", best.placed().movedPerLayer());
    out.printf("placement: %s%n", best.placed().why());
    out.printf(
        Locale.ROOT,
        "%d of %d devices in use, %.1f %% of the bound of the whole cluster, %.0f tokens/s%n",
        best.layout().devices(),
        request.pool().devices(),
        100 * plan.boundFraction(),
        plan.boundTokensPerSecond());
    out.printf(
        Locale.ROOT,
        "%d layouts: %d do not fit memory, %d cannot beat it by their bound, %d promised less than those looked at%n",
        plan.considered(),
        plan.tooLittleMemory(),
        plan.pruned(),
        plan.notLookedAt());
    out.printf(Locale.ROOT, "planned in %.2f s%n", seconds);
  }
}
