package org.hetermoe.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.cluster.ClusterSpec;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.Catalogue;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.LoadPatterns;
import org.hetermoe.plan.Training;
import org.hetermoe.plan.place.Planner;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ComparisonTest {
  private static final ModelShape D1 = KnownModels.of("mixtral-d1");

  private static Comparison compare(
      ModelShape model, String cluster, double gbps, int length, int sequences, ExpertLoads loads) {
    ClusterSpec spec = ClusterSpec.parse(cluster).withGbps(gbps);
    List<List<Device>> kinds = new ArrayList<>();
    for (int kind = 0; kind < spec.devices().size(); kind++) {
      kinds.add(spec.devicesOf(kind, Catalogue.builtIn(), DType.F16));
    }
    return Comparison.of(
        new Comparison.Request(
            model,
            length,
            kinds,
            Training.paper(DType.F16),
            loads,
            Planner.of(PlannerKind.PAPER, true, new Simulator()),
            0,
            sequences));
  }

  private static Comparison compare(String cluster, double gbps, int length, int sequences) {
    return compare(
        D1, cluster, gbps, length, sequences, ExpertLoads.balanced(D1.layers(), D1.experts()));
  }

  private static SystemResult.Trained trained(SystemResult result) {
    assertThat(result).isInstanceOf(SystemResult.Trained.class);
    return (SystemResult.Trained) result;
  }

  private static double tokens(Comparison comparison, SystemKind kind) {
    return trained(comparison.under(kind)).tokensPerSecond();
  }

  @ParameterizedTest
  @EnumSource(SystemKind.class)
  void everySystemTrainsD1OnO1(SystemKind kind) {
    SystemResult.Trained result = trained(compare("A40:6,V100:6", 100, 8192, 72).under(kind));

    assertThat(result.tokensPerSecond()).isPositive();
    assertThat(result.busy().values()).allSatisfy(busy -> assertThat(busy).isBetween(0.0, 1.0));
    assertThat(result.boundFraction()).isLessThanOrEqualTo(1);
    for (StepTimeline timeline : result.timelines()) {
      double end = timeline.criticalPath().stream().mapToDouble(Span::end).max().orElseThrow();
      assertThat(end).isCloseTo(timeline.stepSeconds(), within(1e-9));
      assertThat(timeline.spans())
          .allSatisfy(
              span -> assertThat(span.end()).isLessThanOrEqualTo(timeline.stepSeconds() + 1e-9));
    }
  }

  @ParameterizedTest
  @EnumSource(SystemKind.class)
  void fasterNetworksNeverHarm(SystemKind kind) {
    double before = 0;
    for (double gbps : new double[] {10, 25, 50, 100, 200, 400}) {
      double now = tokens(compare("A40:6,V100:6", gbps, 8192, 36), kind);
      assertThat(now).isGreaterThanOrEqualTo(before * 0.999);
      before = now;
    }
  }

  @ParameterizedTest
  @EnumSource(SystemKind.class)
  void longerSequencesCostMore(SystemKind kind) {
    double shorter = tokens(compare("A40:6,V100:6", 100, 4096, 288), kind);
    double longer = tokens(compare("A40:6,V100:6", 100, 32_768, 36), kind);

    assertThat(longer).isLessThan(shorter);
  }

  @ParameterizedTest
  @EnumSource(SystemKind.class)
  void moreDevicesTrainMore(SystemKind kind) {
    assertThat(tokens(compare("A40:8,V100:8", 100, 8192, 48), kind))
        .isGreaterThan(tokens(compare("A40:4,V100:4", 100, 8192, 48), kind));
  }

  @ParameterizedTest
  @ValueSource(strings = {"A40:6", "A100:4"})
  void onOneKindIdealIsPlainExpertParallelism(String cluster) {
    Comparison comparison = compare(cluster, 100, 4096, 0);

    assertThat(tokens(comparison, SystemKind.EP_IDEAL))
        .isEqualTo(tokens(comparison, SystemKind.EP));
  }

  @Test
  void theKindThatIsBetterAtAttentionAttends() {
    assertThat(compare("V100:6,A40:6", 100, 8192, 12).attention()).containsOnlyKeys("A40");
    assertThat(compare("T4:6,L40S:2", 100, 8192, 12).attention()).containsOnlyKeys("L40S");
  }

  /** But for pipelines, which are simulated with balanced loads. */
  @ParameterizedTest
  @EnumSource(value = SystemKind.class, names = "PP", mode = EnumSource.Mode.EXCLUDE)
  void imbalanceSlowsEverySystem(SystemKind kind) {
    ExpertLoads uneven = LoadPatterns.ratio(D1.layers(), D1.experts(), 2);
    Comparison balanced = compare("A40:6,V100:6", 100, 8192, 36);
    Comparison hot = compare(D1, "A40:6,V100:6", 100, 8192, 36, uneven);

    assertThat(tokens(hot, kind)).isLessThan(0.95 * tokens(balanced, kind));
  }

  @Test
  void imbalanceNeverMakesPipelinesFaster() {
    ExpertLoads uneven = LoadPatterns.ratio(D1.layers(), D1.experts(), 2);

    assertThat(tokens(compare(D1, "A40:6,V100:6", 100, 8192, 36, uneven), SystemKind.PP))
        .isLessThanOrEqualTo(tokens(compare("A40:6,V100:6", 100, 8192, 36), SystemKind.PP));
  }

  @Test
  void theDefaultBatchFitsWhatAnyBatchFits() {
    Comparison comparison = compare("A40:6,V100:6", 100, 32_768, 0);

    assertThat(comparison.sequences() % 12).isZero();
    for (SystemKind kind : SystemKind.values()) {
      assertThat(comparison.under(kind)).isInstanceOf(SystemResult.Trained.class);
    }
  }

  /** But for EP (Ideal), which memory does not limit. */
  @ParameterizedTest
  @EnumSource(value = SystemKind.class, names = "EP_IDEAL", mode = EnumSource.Mode.EXCLUDE)
  void saysWhyNothingFits(SystemKind kind) {
    ModelShape large = KnownModels.of("mixtral-8x7b");
    Comparison comparison =
        compare(
            large,
            "A40:2,V100:2",
            100,
            4096,
            4,
            ExpertLoads.balanced(large.layers(), large.experts()));

    assertThat(comparison.under(SystemKind.EP_IDEAL)).isInstanceOf(SystemResult.Trained.class);
    assertThat(comparison.under(kind))
        .isInstanceOfSatisfying(
            SystemResult.Infeasible.class,
            infeasible ->
                assertThat(infeasible.reason())
                    .containsPattern(
                        kind == SystemKind.HETERMOE
                            ? "must give up \\d+ experts, and attention workers hold no more"
                            : "needs [0-9.]+ GB .*and has [0-9.]+ GB"));
  }

  @Test
  void refusesModelsWithExpertsThatNoDeviceHolds() {
    ModelShape huge =
        new ModelShape("huge", 32_000, 32_768, 1, 32, 8, 128, 8, 2, 114_688, 0, 0, 0, false);

    assertThatThrownBy(
            () -> compare(huge, "A40:2,V100:2", 100, 4096, 4, ExpertLoads.balanced(1, 8)))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("no device can hold an expert");
  }

  @ParameterizedTest
  @EnumSource(SystemKind.class)
  void aSingleDeviceHasNobodyForTheExperts(SystemKind kind) {
    SystemResult result = compare("A100:1", 100, 4096, 4).under(kind);

    switch (kind) {
      case HETERMOE, HETERMOE_NO_ASYM_EA, DISTEP ->
          assertThat(result)
              .isEqualTo(new SystemResult.Infeasible(kind, "no device is left for the experts"));
      case EP, EP_IDEAL, PP -> assertThat(trained(result).tokensPerSecond()).isPositive();
    }
  }

  @Test
  void aModelWithDenseLayersIsSimulated() {
    ModelShape dense = KnownModels.of("deepseek-v2-lite");
    Comparison comparison =
        compare(
            dense,
            "A100:8,A40:8",
            100,
            4096,
            0,
            ExpertLoads.balanced(dense.layers(), dense.experts()));

    assertThat(dense.denseLayers()).isPositive();
    assertThat(trained(comparison.under(SystemKind.HETERMOE)).tokensPerSecond()).isPositive();
  }
}
