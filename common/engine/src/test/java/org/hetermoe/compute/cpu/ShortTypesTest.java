package org.hetermoe.compute.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.DeviceTensors;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** bf16 is there where oneDNN multiplies it; elsewhere it is refused, with the reason. */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
class ShortTypesTest {
  private static final String PROCESSOR_LACKS = "this processor has neither AVX512-BF16 nor AMX";

  @TempDir private Path folder;

  @Test
  void theReasonSaysWhatIsMissing() {
    assertThat(ShortTypes.withoutBf16(List.of("avx2", "avx512f")))
        .isEqualTo(PROCESSOR_LACKS + " for bf16: use fp32");
    for (String flag : List.of("avx512_bf16", "amx_bf16")) {
      assertThat(ShortTypes.withoutBf16(List.of("avx2", flag)))
          .contains("ONEDNN_MAX_CPU_ISA")
          .endsWith(": use fp32");
    }
  }

  @Test
  void oneDnnHasIt() {
    boolean processorHas =
        ShortTypes.flags().contains("avx512_bf16") || ShortTypes.flags().contains("amx_bf16");
    try (Compute compute = Devices.open("cpu", 1)) {
      // Fewer only where the environment keeps oneDNN from using what there is.
      assertThat(compute.refusal(DType.BF16).isEmpty()).isEqualTo(OneDnn.multipliesBf16());
      assertThat(!OneDnn.multipliesBf16() || processorHas).isTrue();
      assertThat(compute.refusal(DType.F16)).get().asString().endsWith("use fp32");
    }
  }

  @Test
  void oneDnnMayBeKeptFromIt() throws IOException, InterruptedException {
    ChildJvm.Ending ending = new ChildJvm(folder).run("AVX2", List.of(), PrintedRefusal.class);

    assertThat(ending.status()).as(ending.errors()).isZero();
    assertThat(ending.lines()).containsExactly(ShortTypes.withoutBf16(ShortTypes.flags()));
  }

  @Test
  void oneDnnHasWhatTheProcessorHas() throws IOException, InterruptedException {
    ChildJvm.Ending ending = new ChildJvm(folder).run("DEFAULT", List.of(), PrintedRefusal.class);

    assertThat(ending.status()).as(ending.errors()).isZero();
    if (ShortTypes.flags().contains("avx512_bf16")) {
      assertThat(ending.lines()).containsExactly(PrintedRefusal.NONE);
    } else {
      assertThat(ending.lines()).containsExactly(PROCESSOR_LACKS + " for bf16: use fp32");
    }
  }

  @Test
  void whatIsRefusedIsNotComputed() {
    try (Compute compute = Devices.open("cpu", 1);
        DeviceTensors d = new DeviceTensors(compute, 1, DType.BF16, DType.BF16)) {
      assumeTrue(compute.refusal(DType.BF16).isPresent(), "this processor multiplies bf16");
      Tensor x = d.normal(4, 4);

      refused(() -> compute.linear(x, x, x));
      refused(() -> compute.linearBackwardInput(x, x, x, false));
      refused(() -> compute.linearBackwardWeight(x, x, d.output(DType.F32, 4, 4)));
      refused(() -> compute.rmsNorm(x, d.normal(4), 0f, x, d.output(DType.F32, 4)));
      refused(() -> compute.add(x, x));
    }
  }

  private static void refused(Runnable operation) {
    assertThatIllegalArgumentException()
        .isThrownBy(operation::run)
        .withMessageContaining("bf16")
        .withMessageContaining("use fp32");
  }
}
