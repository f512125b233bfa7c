package org.hetermoe.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.Recompute;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.Test;

class MemoryModelTest {
  private static final ModelShape D1 = KnownModels.of("mixtral-d1");
  private static final int LENGTH = 1024;

  private static MemoryModel memory(int microBatches, ExpertLoads loads) {
    return new MemoryModel(
        StepSpec.alike(D1, LENGTH, 4, microBatches, Training.paper(DType.F16), 1, loads));
  }

  private static ExpertLoads balanced() {
    return ExpertLoads.balanced(D1.layers(), D1.experts());
  }

  @Test
  void expertOutputsAreKeptForTheGatesGradientWhereOthersComputeThem() {
    long rows = LENGTH * 2L * D1.hidden() * 2;

    // A layer's input and the outputs of the experts of each token; the input of the head.
    assertThat(
            memory(3, balanced()).attentionBytes(2, 2, true)
                - memory(2, balanced()).attentionBytes(2, 2, true))
        .isEqualTo(rows * (D1.layers() * (1L + D1.topK()) + 1));
    assertThat(
            memory(3, balanced()).attentionBytes(2, 2, false)
                - memory(2, balanced()).attentionBytes(2, 2, false))
        .isEqualTo(rows * (D1.layers() + 1L));
  }

  @Test
  void aParameterHasItsGradientInSinglePrecision() {
    // Value 2, gradient 4, master 4, moments 8; without a master in single precision.
    assertThat(Training.paper(DType.F16).expertStateBytes()).isEqualTo(18);
    assertThat(Training.paper(DType.F32).expertStateBytes()).isEqualTo(16);
    assertThat(memory(1, balanced()).expertBytes()).isEqualTo(18 * D1.expertParameters());
    assertThat(Training.services(GroupPrecision.FP32, Recompute.NONE).expertStateBytes())
        .isEqualTo(4 * Float.BYTES);
  }

  @Test
  void whatIsComputedAgainIsNotKept() {
    List<MemoryModel> models =
        Stream.of(Recompute.FULL, Recompute.ATTENTION, Recompute.NONE)
            .map(recompute -> Training.paper(DType.F16, recompute))
            .map(how -> new MemoryModel(StepSpec.alike(D1, LENGTH, 4, 3, how, 1, balanced())))
            .toList();

    assertThat(models)
        .extracting(memory -> (long) memory.expertRowBytes() / DType.F16.bytes())
        .containsExactly(
            (long) D1.hidden(),
            D1.hidden() + 3L * D1.expertWidth() + 2,
            D1.hidden() + 3L * D1.expertWidth() + 2);
    // Of each token on its way, at the least what two norms put out.
    assertThat(models.get(2).attentionBytes(2, 2, true) - models.get(1).attentionBytes(2, 2, true))
        .isGreaterThan(3L * 2 * LENGTH * D1.layers() * 2 * D1.hidden() * DType.F16.bytes());
  }

  @Test
  void aSkewedLoadTakesMoreOfAnExpertWorker() {
    ExpertLoads skewed = LoadPatterns.ratio(D1.layers(), D1.experts(), 3);

    assertThat(memory(2, skewed).expertWorkerBytes(6, 2))
        .isGreaterThan(memory(2, balanced()).expertWorkerBytes(6, 2));
  }
}
