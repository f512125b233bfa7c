package org.hetermoe.cli.run;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.hetermoe.api.PlanView;
import org.hetermoe.run.Recompute;
import org.hetermoe.run.RunPlan;

/** Tells people what was planned for a run, and what was measured. */
final class RunPlanReport {
  private RunPlanReport() {}

  static void print(PlanView view, PrintWriter out) {
    for (RunPlan earlier : view.earlier()) {
      out.printf(
          Locale.ROOT,
          "earlier plan, after step %d: %s%s%n",
          earlier.fromStep(),
          earlier.why(),
          seconds(earlier));
    }
    print(view.plan(), out);
    if (view.pending() != null) {
      out.println("  about to move: " + view.pending().why() + seconds(view.pending()));
    }
    PlanView.Measured measured = view.measured();
    if (measured == null) {
      return;
    }
    out.printf(
        Locale.ROOT,
        "  measured:  %.4f s a step (median of %d)%s%n",
        measured.stepSeconds(),
        measured.steps(),
        measured.difference() == null
            ? ""
            : String.format(
                Locale.ROOT, ", %+.1f%% from the prediction", 100 * measured.difference()));
    if (measured.foreseeableSeconds() != null) {
      out.printf(
          Locale.ROOT,
          "             %.4f s by the profiles under the loads that came, %+.1f%%%n",
          measured.foreseeableSeconds(),
          100 * (measured.stepSeconds() / measured.foreseeableSeconds() - 1));
    }
    out.println(
        "  busy:      "
            + measured.busy().entrySet().stream()
                .map(
                    entry ->
                        String.format(
                            Locale.ROOT, "%s %.0f%%", entry.getKey(), 100 * entry.getValue()))
                .collect(Collectors.joining(", ")));
  }

  static void print(RunPlan plan, PrintWriter out) {
    long attention =
        plan.workers().stream().filter(worker -> worker.peer().startsWith("attention")).count();
    out.printf(
        Locale.ROOT,
        "plan, %s: %d:%d, %s, %d micro-batches%n",
        plan.fromStep() == null
            ? "from the next step boundary on"
            : plan.fromStep() == 0 ? "from the start" : "after step " + plan.fromStep(),
        attention,
        plan.workers().size() - attention,
        plan.schedule().label(),
        plan.microBatches());
    if (plan.precision() != null) {
      out.println(
          "  precision: "
              + plan.precision().label()
              + (plan.precision().scalesLoss() ? ", the loss scaled" : "")
              + (plan.recompute() == Recompute.NONE
                  ? ""
                  : "; computed again: " + plan.recompute().label()));
    }
    out.println("  planner:   " + plan.planner().label() + ": " + plan.why());
    if (plan.predictedStepSeconds() != null) {
      out.printf(
          Locale.ROOT,
          "  predicted: %.4f s a step, %.0f%% of what any placement could reach%n",
          plan.predictedStepSeconds(),
          100 * plan.boundFraction());
    }
    for (RunPlan.PlannedWorker worker : plan.workers()) {
      out.printf(
          Locale.ROOT,
          "  %-12s %-12s %-28s experts per layer %s%s%s%n",
          worker.peer(),
          worker.worker().equals(worker.peer()) ? "" : worker.worker(),
          worker.device(),
          counts(worker.expertsPerLayer()),
          worker.predictedBusy() == null
              ? ""
              : String.format(Locale.ROOT, "  busy %.0f%%", 100 * worker.predictedBusy()),
          link(worker.link()));
    }
  }

  private static String link(RunPlan.PlannedLink link) {
    return link == null
        ? ""
        : String.format(
            Locale.ROOT,
            "  link %.3g GB/s, %.3g ms (%s)",
            link.bytesPerSecond() * 1e-9,
            link.latencySeconds() * 1e3,
            link.measured() ? "measured" : "as set");
  }

  private static String seconds(RunPlan plan) {
    return plan.predictedStepSeconds() == null
        ? ""
        : String.format(Locale.ROOT, " (predicted %.4f s a step)", plan.predictedStepSeconds());
  }

  /** One number where all layers are alike. */
  private static String counts(List<Integer> perLayer) {
    return perLayer.stream().distinct().count() == 1
        ? perLayer.getFirst().toString()
        : perLayer.toString();
  }
}
