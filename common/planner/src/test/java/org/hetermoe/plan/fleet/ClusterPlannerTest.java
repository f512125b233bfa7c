package org.hetermoe.plan.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.Catalogue;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.device.Precision;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LoadPatterns;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.ZebraSchedule;
import org.hetermoe.simulate.Simulator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ClusterPlannerTest {
  private static final ModelShape D1 = KnownModels.of("mixtral-d1");

  private static Fleet fleet(String cluster, Map<String, Double> prices) {
    return Fleet.of(ClusterSpec.parse(cluster).all(Catalogue.builtIn(), Precision.FP16), prices);
  }

  private static FleetTask task(ModelShape model, int globalBatch) {
    return task(model, globalBatch, false);
  }

  private static FleetTask task(ModelShape model, int globalBatch, boolean fitted) {
    return new FleetTask(
        model,
        4096,
        globalBatch,
        fitted,
        Precision.FP16,
        true,
        PlannerKind.BEST,
        ExpertLoads.balanced(model.layers(), model.experts()));
  }

  private static ClusterPlan plan(Fleet fleet, FleetTask task) {
    return ClusterPlanner.plan(fleet, task, new Simulator(), 3);
  }

  static IntStream seeds() {
    return IntStream.range(0, 8);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everyLayoutKeepsItsPromises(int seed) {
    Random random = new Random(seed);
    Fleet fleet =
        fleet(
            "A40:%d,V100:%d,T4:%d"
                .formatted(1 + random.nextInt(6), 1 + random.nextInt(6), 1 + random.nextInt(6)),
            Map.of());
    FleetTask task = task(D1, 24 * (1 + random.nextInt(3)), random.nextBoolean());

    ClusterPlan plan = plan(fleet, task);

    assertThat(plan(fleet, task)).isEqualTo(plan);
    assertThat(plan.boundFraction()).isPositive().isLessThanOrEqualTo(1);
    assertThat(plan.layouts())
        .isSortedAccordingTo(
            (one, other) -> Double.compare(other.tokensPerSecond(), one.tokensPerSecond()));
    for (PlannedLayout one : plan.layouts()) {
      keepsItsPromises(fleet, task, one);
    }
  }

  private static void keepsItsPromises(Fleet fleet, FleetTask task, PlannedLayout one) {
    Layout layout = one.layout();
    for (int kind = 0; kind < fleet.kinds().size(); kind++) {
      assertThat(layout.used(kind)).isLessThanOrEqualTo(fleet.kinds().get(kind).count());
    }
    assertThat(layout.globalBatch()).isLessThanOrEqualTo(task.globalBatch());
    if (!task.fitted()) {
      assertThat(layout.globalBatch()).isEqualTo(task.globalBatch());
    }
    GroupCosts costs =
        CostModel.of(
            task.step(layout), layout.attentionDevices(fleet), layout.expertDevices(fleet));
    for (int rank = 0; rank < layout.attentionWorkers(); rank++) {
      fits(costs, one, WorkerRank.attention(rank));
    }
    for (int rank = 0; rank < layout.expertWorkers(); rank++) {
      fits(costs, one, WorkerRank.expert(rank));
    }
    double seconds =
        new Simulator()
            .stepSeconds(
                costs,
                new ZebraSchedule(costs.layers(), costs.microBatches()),
                one.placed().placement());
    assertThat(one.tokensPerSecond()).isCloseTo(task.tokens(layout) / seconds, within(1e-3));
    assertThat(one.placed().boundFraction()).isLessThanOrEqualTo(1 + 1e-9);
  }

  private static void fits(GroupCosts costs, PlannedLayout one, WorkerRank worker) {
    long owned =
        IntStream.range(0, costs.layers())
            .mapToLong(layer -> one.placed().placement().expertsOf(layer, worker).size())
            .sum();
    assertThat(owned).isLessThanOrEqualTo(costs.of(worker).mostExperts());
  }

  @Test
  void theKindThatIsBetterAtAttentionAttends() {
    Fleet fleet = fleet("V100:3,A40:4", Map.of());

    PlannedLayout best = plan(fleet, task(D1, 48)).best();

    assertThat(best.layout().attention().get(1)).isEqualTo(4);
    assertThat(best.layout().expert().get(0)).isPositive();
    assertThat(best.why()).contains("4 A40").contains("V100");
  }

  @Test
  void aLargeClusterIsCutIntoGroupsAndUsed() {
    Fleet fleet = fleet("A100:128,A40:128,V100:256", Map.of());
    ModelShape model =
        new ModelShape("large", 32_000, 2048, 32, 16, 4, 128, 64, 2, 2048, 0, 0, 0, false);

    ClusterPlan plan = plan(fleet, task(model, 8 * 512, true));

    Layout best = plan.best().layout();
    assertThat(best.groups()).isGreaterThan(1);
    assertThat(best.devices()).isGreaterThan(460);
    assertThat(plan.boundFraction()).isGreaterThan(0.4);
  }

  @Test
  void aBatchThatDoesNotFitIsRefusedAndAFittedOneIsNot() {
    Fleet fleet = fleet("A40:4,V100:4", Map.of());

    assertThatThrownBy(() -> plan(fleet, task(D1, 24_000)))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("with a global batch of 24000");
    assertThat(plan(fleet, task(D1, 24_000, true)).best().layout().globalBatch())
        .isBetween(8, 23_999);
  }

  @Test
  void loadsOfTheExpertsCount() {
    Fleet fleet = fleet("A40:2,V100:2", Map.of());
    FleetTask balanced = task(D1, 48);
    FleetTask uneven =
        new FleetTask(
            D1,
            4096,
            48,
            false,
            Precision.FP16,
            true,
            PlannerKind.BEST,
            LoadPatterns.ratio(D1.layers(), D1.experts(), 4));

    assertThat(plan(fleet, uneven).best().tokensPerSecond())
        .isLessThan(plan(fleet, balanced).best().tokensPerSecond());
  }

  @Test
  void aKindThatCostsMoreThanItBringsIsLeftOut() {
    Fleet fleet = fleet("A40:4,T4:2", Map.of("A40", 1.0, "T4", 50.0));

    PlannedLayout best = plan(fleet, task(D1, 48)).best();

    assertThat(best.layout().used(1)).isZero();
    assertThat(best.layout().leftOut(fleet)).contains("2 T4");
    assertThat(best.tokensPerCurrency())
        .isCloseTo(best.tokensPerSecond() * 3600 / best.layout().used(0), within(1.0));
  }

  @Test
  void aModelThatIsTooLargeIsRefused() {
    assertThatThrownBy(
            () -> plan(fleet("A40:1,V100:1", Map.of()), task(KnownModels.of("mixtral-8x7b"), 24)))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageStartingWith("cluster: cannot train")
        .hasMessageContaining("memory");
  }

  @Test
  void oneDeviceIsNoGroup() {
    assertThatThrownBy(() -> fleet("A40:1", Map.of()))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("a group needs one that attends and one for experts");
  }

  @Test
  void somebodyMustAttend() {
    Device blind = new Device(new ExpertsOnly(), 1e9, 0, -1);

    assertThatThrownBy(() -> Fleet.of(List.of(blind, blind), Map.of()))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessage(
            "cluster: has no device that can compute attention (it has blind); add one that can");
  }

  private static final class ExpertsOnly implements DeviceProfile {
    @Override
    public String name() {
      return "blind";
    }

    @Override
    public boolean attention() {
      return false;
    }

    @Override
    public long memoryBytes() {
      return 1;
    }

    @Override
    public double attentionSeconds(ModelShape model, int sequences, int length, Pass pass) {
      throw new AssertionError("asked for attention");
    }

    @Override
    public double expertSeconds(ModelShape model, double assignments, Pass pass) {
      return assignments;
    }

    @Override
    public double headSeconds(ModelShape model, int tokens, Pass pass) {
      throw new AssertionError("asked for the head");
    }

    @Override
    public double embeddingSeconds(ModelShape model, int tokens, Pass pass) {
      throw new AssertionError("asked for the embedding");
    }

    @Override
    public double optimizerSeconds(long parameters) {
      return 0;
    }
  }
}
