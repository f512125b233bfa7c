package org.hetermoe.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.Catalogue;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.PrecisionSpec;
import org.hetermoe.run.Recompute;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.Test;

/** What precision and recomputation make of the costs of a group of the services. */
class CostModelTest {
  private static final ModelShape D1 = KnownModels.of("mixtral-d1");
  private static final GroupPrecision HALF =
      GroupPrecision.of(new PrecisionSpec(DType.BF16, DType.BF16));

  private static GroupCosts costs(GroupPrecision precision, Recompute recompute) {
    Device device = new Device(Catalogue.builtIn().device("A40", DType.F16), 1e9, 0, -1);
    StepSpec step =
        StepSpec.alike(
            D1,
            1024,
            2,
            4,
            Training.services(precision, recompute),
            1,
            ExpertLoads.balanced(D1.layers(), D1.experts()));
    return CostModel.of(step, List.of(device), List.of(device));
  }

  @Test
  void computingAgainTakesForwardsAndGivesMemory() {
    WorkerCosts kept = costs(HALF, Recompute.NONE).attention().getFirst();
    WorkerCosts layers = costs(HALF, Recompute.ATTENTION).attention().getFirst();
    WorkerCosts all = costs(HALF, Recompute.FULL).attention().getFirst();

    Passes once = kept.attention();
    assertThat(layers.attention().forward()).isEqualTo(once.forward());
    assertThat(layers.attention().backward()).isEqualTo(once.forward() + once.backward());
    assertThat(layers.embedding()).isEqualTo(kept.embedding());
    assertThat(layers.head()).isEqualTo(kept.head());
    assertThat(layers.experts()).isEqualTo(kept.experts());
    assertThat(layers.residentBytes()).isLessThan(kept.residentBytes());
    assertThat(layers.expertRowBytes()).isEqualTo(kept.expertRowBytes());

    // Of an expert's three products two are computed again.
    double rows = 1000;
    double forward = kept.experts().forward(rows);
    double before = kept.experts().backward(rows);
    double after = all.experts().backward(rows);
    assertThat(after - before).isCloseTo(2 * forward / 3, within(0.01 * forward));
    assertThat(all.expertRowBytes()).isLessThan(kept.expertRowBytes());
    assertThat(all.attention()).isEqualTo(layers.attention());
  }

  @Test
  void bytesAreThoseOfTheTypesOfEachSide() {
    GroupCosts single = costs(GroupPrecision.FP32, Recompute.NONE);
    GroupCosts mixed =
        costs(GroupPrecision.of(new PrecisionSpec(DType.F32, DType.F16)), Recompute.NONE);

    assertThat(single.rowBytes()).isEqualTo(4.0 * D1.hidden());
    assertThat(mixed.rowBytes()).isEqualTo(2.0 * D1.hidden());
    // Value 4, gradient 4, moments 8; value 2, gradient 4, master 4, moments 8.
    assertThat(single.expert().getFirst().expertBytes()).isEqualTo(16 * D1.expertParameters());
    assertThat(mixed.expert().getFirst().expertBytes()).isEqualTo(18 * D1.expertParameters());
    assertThat(mixed.expert().getFirst().expertRowBytes())
        .isCloseTo(single.expert().getFirst().expertRowBytes() / 2, within(2.0));
  }
}
