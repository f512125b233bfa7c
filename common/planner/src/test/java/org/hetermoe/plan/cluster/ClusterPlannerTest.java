package org.hetermoe.plan.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.Catalogue;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.ExpertCapacity;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LoadPatterns;
import org.hetermoe.plan.Predictor;
import org.hetermoe.plan.Training;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.ZebraSchedule;
import org.hetermoe.simulate.Simulator;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ClusterPlannerTest {
  private static final ModelShape D1 = KnownModels.of("mixtral-d1");

  private static DevicePool pool(String cluster, Map<String, Double> prices) {
    return DevicePool.of(ClusterSpec.parse(cluster).all(Catalogue.builtIn(), DType.F16), prices);
  }

  private static TrainingJob job(ModelShape model, int globalBatch) {
    return job(model, globalBatch, false);
  }

  private static TrainingJob job(ModelShape model, int globalBatch, boolean fitted) {
    return new TrainingJob(
        model,
        4096,
        globalBatch,
        fitted,
        Training.paper(DType.F16),
        PlannerKind.BEST,
        ExpertLoads.balanced(model.layers(), model.experts()),
        false);
  }

  private static ClusterPlan plan(DevicePool pool, TrainingJob job) {
    return ClusterPlanner.plan(pool, job, new Simulator(), 3);
  }

  static IntStream seeds() {
    return IntStream.range(0, 8);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everyLayoutKeepsItsPromises(int seed) {
    Random random = new Random(seed);
    DevicePool pool =
        pool(
            "A40:%d,V100:%d,T4:%d"
                .formatted(1 + random.nextInt(6), 1 + random.nextInt(6), 1 + random.nextInt(6)),
            Map.of());
    TrainingJob job = job(D1, 24 * (1 + random.nextInt(3)), random.nextBoolean());

    ClusterPlan plan = plan(pool, job);

    assertThat(plan(pool, job)).isEqualTo(plan);
    assertThat(plan.boundFraction()).isPositive().isLessThanOrEqualTo(1);
    assertThat(plan.layouts())
        .isSortedAccordingTo(
            (one, other) -> Double.compare(other.tokensPerSecond(), one.tokensPerSecond()));
    for (PlannedLayout one : plan.layouts()) {
      keepsItsPromises(pool, job, one);
    }
  }

  private static void keepsItsPromises(DevicePool pool, TrainingJob job, PlannedLayout one) {
    Layout layout = one.layout();
    for (int kind = 0; kind < pool.kinds().size(); kind++) {
      assertThat(layout.used(kind)).isLessThanOrEqualTo(pool.kinds().get(kind).count());
    }
    assertThat(layout.globalBatch()).isLessThanOrEqualTo(job.globalBatch());
    if (!job.fitted()) {
      assertThat(layout.globalBatch()).isEqualTo(job.globalBatch());
    }
    GroupCosts costs =
        CostModel.of(job.step(layout), layout.attentionDevices(pool), layout.expertDevices(pool));
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
    assertThat(one.tokensPerSecond()).isCloseTo(job.tokens(layout) / seconds, within(1e-3));
    assertThat(one.placed().boundFraction()).isLessThanOrEqualTo(1 + 1e-9);
  }

  private static void fits(GroupCosts costs, PlannedLayout one, WorkerRank worker) {
    long owned =
        IntStream.range(0, costs.layers())
            .mapToLong(layer -> one.placed().placement().expertsOf(layer, worker).size())
            .sum();
    assertThat(owned).isLessThanOrEqualTo(new ExpertCapacity(costs).of(costs.of(worker)));
  }

  @Test
  void theKindThatIsBetterAtAttentionAttends() {
    DevicePool pool = pool("V100:3,A40:4", Map.of());

    PlannedLayout best = plan(pool, job(D1, 48)).best();

    assertThat(best.layout().attention().get(1)).isEqualTo(4);
    assertThat(best.layout().expert().get(0)).isPositive();
    assertThat(best.why()).contains("4 A40").contains("V100");
  }

  @Test
  void aLargeClusterIsCutIntoGroupsAndUsed() {
    DevicePool pool = pool("A100:128,A40:128,V100:256", Map.of());
    ModelShape model =
        new ModelShape("large", 32_000, 2048, 32, 16, 4, 128, 64, 2, 2048, 0, 0, 0, false);

    ClusterPlan plan = plan(pool, job(model, 8 * 512, true));

    Layout best = plan.best().layout();
    assertThat(best.groups()).isGreaterThan(1);
    assertThat(best.devices()).isGreaterThan(460);
    assertThat(plan.boundFraction()).isGreaterThan(0.4);
  }

  @Test
  void aBatchThatDoesNotFitIsRefusedAndAFittedOneIsNot() {
    DevicePool pool = pool("A40:4,V100:4", Map.of());

    assertThatThrownBy(() -> plan(pool, job(D1, 24_000)))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("with a global batch of 24000");
    assertThat(plan(pool, job(D1, 24_000, true)).best().layout().globalBatch())
        .isBetween(8, 23_999);
  }

  @Test
  void loadsOfTheExpertsCount() {
    DevicePool pool = pool("A40:2,V100:2", Map.of());
    TrainingJob balanced = job(D1, 48);
    TrainingJob uneven =
        new TrainingJob(
            D1,
            4096,
            48,
            false,
            Training.paper(DType.F16),
            PlannerKind.BEST,
            LoadPatterns.ratio(D1.layers(), D1.experts(), 12),
            false);

    assertThat(plan(pool, uneven).best().tokensPerSecond())
        .isLessThan(plan(pool, balanced).best().tokensPerSecond());
  }

  /** Together the two kinds promise much, by every estimate; the predictor knows better. */
  @Test
  void noLayoutIsPrunedForAPromiseThatIsNotKept() {
    DevicePool pool = pool("A40:2,V100:1", Map.of());
    Predictor slowTogether =
        (costs, schedule, placement) ->
            new Simulator().stepSeconds(costs, schedule, placement)
                * (Stream.concat(costs.attention().stream(), costs.expert().stream())
                        .anyMatch(worker -> worker.device().equals("V100"))
                    ? 10
                    : 1);

    ClusterPlan plan = ClusterPlanner.plan(pool, job(D1, 24, true), slowTogether, 5);

    assertThat(plan.best().layout().leftOut(pool)).isEqualTo("1 V100");
  }

  @Test
  void replicasAreProposedOnlyIfAskedFor() {
    DevicePool pool = pool("A40:2,V100:4", Map.of());
    ExpertLoads hot = LoadPatterns.ratio(D1.layers(), D1.experts(), 20);

    assertThat(plan(pool, hot(hot, false)).layouts())
        .allMatch(one -> one.placed().replicas().isEmpty());
    assertThat(plan(pool, hot(hot, true)).layouts())
        .anyMatch(one -> !one.placed().replicas().isEmpty());
  }

  private static TrainingJob hot(ExpertLoads loads, boolean replicas) {
    return new TrainingJob(
        D1, 4096, 48, false, Training.paper(DType.F16), PlannerKind.BEST, loads, replicas);
  }

  @Test
  void aKindThatCostsMoreThanItBringsIsLeftOut() {
    DevicePool pool = pool("A40:4,T4:2", Map.of("A40", 1.0, "T4", 50.0));

    PlannedLayout best = plan(pool, job(D1, 48)).best();

    assertThat(best.layout().used(1)).isZero();
    assertThat(best.layout().leftOut(pool)).contains("2 T4");
    assertThat(best.tokensPerCurrency())
        .isCloseTo(best.tokensPerSecond() * 3600 / best.layout().used(0), within(1.0));
  }

  @Test
  void aModelThatIsTooLargeIsRefused() {
    assertThatThrownBy(
            () -> plan(pool("A40:1,V100:1", Map.of()), job(KnownModels.of("mixtral-8x7b"), 24)))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageStartingWith("cluster: cannot train")
        .hasMessageContaining("memory");
  }

  @Test
  void oneDeviceIsNoGroup() {
    assertThatThrownBy(() -> pool("A40:1", Map.of()))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("a group needs one that attends and one for experts");
  }

  @Test
  void somebodyMustAttend() {
    Device blind = new Device(new ExpertsOnly(), 1e9, 0, -1);

    assertThatThrownBy(() -> DevicePool.of(List.of(blind, blind), Map.of()))
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
    public double taskSeconds() {
      return 0;
    }

    @Override
    public double optimizerSeconds(long parameters) {
      return 0;
    }
  }
}
