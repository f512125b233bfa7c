package org.hetermoe.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.Catalogue;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.RoleOrder;
import org.hetermoe.plan.Training;
import org.hetermoe.plan.cluster.ClusterPlan;
import org.hetermoe.plan.cluster.ClusterPlanner;
import org.hetermoe.plan.cluster.DevicePool;
import org.hetermoe.plan.cluster.Layout;
import org.hetermoe.plan.cluster.TrainingJob;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RolesTest {
  private static final Training TRAINING = Training.paper(DType.F16);

  /** In these the two had an order each, and not the same. */
  @ParameterizedTest
  @CsvSource({"L40S, A100, 4096", "A40, V100, 4096", "H100, H200, 16384"})
  void theSimulatorAndTheSearchGiveAttentionToTheSameKind(String one, String other, int length) {
    ModelShape model = KnownModels.of("mixtral-d1");
    ClusterSpec cluster = ClusterSpec.parse(one + ":2," + other + ":2");
    List<Device> all = cluster.all(Catalogue.builtIn(), DType.F16);

    List<Roles> roles =
        Roles.of(
            List.of(all.subList(0, 2), all.subList(2, 4)), new RoleOrder(model, length, TRAINING));
    ClusterPlan plan =
        ClusterPlanner.plan(
            DevicePool.of(all, Map.of()),
            new TrainingJob(
                model,
                length,
                32,
                true,
                TRAINING,
                PlannerKind.PAPER,
                ExpertLoads.balanced(model.layers(), model.experts()),
                false),
            new Simulator(),
            8);

    int first = roles.getFirst().attention().getFirst().profile().name().equals(one) ? 0 : 1;
    assertThat(roles).hasSize(1);
    for (Layout layout : plan.layouts().stream().map(each -> each.layout()).toList()) {
      // Only when all devices of the first kind attend may one of the other.
      if (layout.attention().get(1 - first) > 0) {
        assertThat(layout.expert().get(first)).isZero();
      }
    }
  }
}
