package org.hetermoe.plan.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.cluster.Device;
import org.hetermoe.cluster.NetworkSpec;
import org.hetermoe.device.Catalogue;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Training;
import org.hetermoe.plan.place.Planner;
import org.hetermoe.plan.place.QuickLook;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.Schedule;
import org.hetermoe.schedule.ZebraSchedule;
import org.hetermoe.simulate.Simulator;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Devices that share a network card: the search counts with it as the simulator does. */
class SharedCardsTest {
  private static final ModelShape D1 = KnownModels.of("mixtral-d1");
  private static final Layout LAYOUT = new Layout(1, List.of(4, 0), List.of(0, 4), 4, 16);

  private static DevicePool pool(double gbps, int devicesPerCard) {
    ClusterSpec cluster =
        new ClusterSpec(
            List.of(
                new ClusterSpec.Kind("A40", 4, null, 0), new ClusterSpec.Kind("V100", 4, null, 0)),
            new NetworkSpec(gbps, null, null, devicesPerCard),
            null);
    List<Device> all = cluster.all(Catalogue.builtIn(), DType.F16);
    return DevicePool.of(all, Map.of());
  }

  private static TrainingJob job() {
    return new TrainingJob(
        D1,
        4096,
        64,
        false,
        Training.paper(DType.F16),
        PlannerKind.BEST,
        ExpertLoads.balanced(D1.layers(), D1.experts()),
        false);
  }

  @ParameterizedTest
  @CsvSource({"10, 1", "10, 2", "10, 4", "25, 4", "100, 4"})
  void theQuickEstimateComesNearTheSimulator(double gbps, int devicesPerCard) {
    DevicePool pool = pool(gbps, devicesPerCard);
    GroupCosts costs =
        CostModel.of(job().step(LAYOUT), LAYOUT.attentionDevices(pool), LAYOUT.expertDevices(pool));
    Schedule schedule = new ZebraSchedule(costs.layers(), costs.microBatches());

    double simulated =
        Planner.of(PlannerKind.PAPER, true, new Simulator())
            .place(costs, schedule)
            .placed()
            .stepSeconds();
    double quick = QuickLook.seconds(costs, schedule).orElseThrow();
    double about = new LayoutEstimate(pool, job()).about(LAYOUT);

    assertThat(quick / simulated).isBetween(0.7, 1.1);
    assertThat(about / simulated).isBetween(0.7, 1.3);
  }
}
