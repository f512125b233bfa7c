package org.hetermoe.benchmark;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.Catalogue;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.StepSpec;
import org.hetermoe.plan.Training;
import org.hetermoe.plan.cluster.ClusterPlan;
import org.hetermoe.plan.cluster.ClusterPlanner;
import org.hetermoe.plan.cluster.DevicePool;
import org.hetermoe.plan.cluster.TrainingJob;
import org.hetermoe.plan.place.PlannedPlacement;
import org.hetermoe.plan.place.Planner;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.ZebraSchedule;
import org.hetermoe.simulate.Simulator;
import org.hetermoe.tensor.DType;

/**
 * Times the placement of experts in one group and the search over whole clusters. Prints the first
 * run, in a cold JVM or nearly, and the median of all.
 */
public final class PlanSpeed {
  private static final int LENGTH = 4096;
  private static final int SEQUENCES_PER_DEVICE = 8;

  private PlanSpeed() {}

  /** Runs all measurements; see the class. */
  public static void main(String[] args) {
    cluster("A100:32,V100:32", sizes(32, 64, 2048, 1408), 9);
    cluster("A100:2,A40:4,T4:8", KnownModels.of("mixtral-d1"), 5);
    placement(4, 4, 5);
    placement(4, 7, 5);
    cluster("A100:1024,A40:1024,V100:2048", sizes(128, 256, 4096, 1536), 3);
  }

  private static ModelShape sizes(int layers, int experts, int hidden, int expertWidth) {
    int heads = hidden / 128;
    return new ModelShape(
        layers + "x" + experts,
        32_000,
        hidden,
        layers,
        heads,
        heads / 4,
        128,
        experts,
        8,
        expertWidth,
        0,
        0,
        0,
        false);
  }

  private static void cluster(String devices, ModelShape model, int runs) {
    List<Device> all = ClusterSpec.parse(devices).all(Catalogue.builtIn(), DType.F16);
    DevicePool pool = DevicePool.of(all, Map.of());
    TrainingJob task =
        new TrainingJob(
            model,
            LENGTH,
            SEQUENCES_PER_DEVICE * all.size(),
            true,
            Training.paper(DType.F16),
            PlannerKind.BEST,
            ExpertLoads.balanced(model.layers(), model.experts()),
            false);
    ClusterPlan plan =
        timed(
            "cluster " + devices + ", " + model.name(),
            runs,
            () -> ClusterPlanner.plan(pool, task, new Simulator(), 5));
    System.out.printf(
        Locale.ROOT,
        "  %d of %d devices, %.1f %% of the bound%n",
        plan.best().layout().devices(),
        pool.devices(),
        100 * plan.boundFraction());
  }

  private static void placement(int attention, int expert, int runs) {
    ModelShape model = KnownModels.of("mixtral-d1");
    StepSpec step =
        StepSpec.alike(
            model,
            LENGTH,
            attention,
            8,
            Training.paper(DType.F16),
            1,
            ExpertLoads.balanced(model.layers(), model.experts()));
    GroupCosts costs = CostModel.of(step, devices("A40:" + attention), devices("V100:" + expert));
    PlannedPlacement placed =
        timed(
            "placement " + attention + " A40, " + expert + " V100, " + model.name(),
            runs,
            () ->
                Planner.of(PlannerKind.BEST, true, new Simulator())
                    .place(costs, new ZebraSchedule(costs.layers(), costs.microBatches()))
                    .placed());
    System.out.printf(Locale.ROOT, "  %.1f %% of the bound%n", 100 * placed.boundFraction());
  }

  private static List<Device> devices(String kinds) {
    return ClusterSpec.parse(kinds).all(Catalogue.builtIn(), DType.F16);
  }

  private static <T> T timed(String what, int runs, Supplier<T> plan) {
    double[] seconds = new double[runs];
    T planned = null;
    for (int run = 0; run < runs; run++) {
      long start = System.nanoTime();
      planned = plan.get();
      seconds[run] = (System.nanoTime() - start) / 1e9;
    }
    double first = seconds[0];
    Arrays.sort(seconds);
    System.out.printf(
        Locale.ROOT,
        "%s: first %.2f s, median of %d %.2f s%n",
        what,
        first,
        runs,
        seconds[runs / 2]);
    return planned;
  }
}
