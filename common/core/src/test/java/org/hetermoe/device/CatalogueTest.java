package org.hetermoe.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The catalogue against the paper's Figure 2: forward and backward, Mixtral-8x7B's sizes. */
class CatalogueTest {
  private static final ModelShape MIXTRAL = KnownModels.of("mixtral-8x7b");
  private static final int[] LENGTHS = {4096, 8192, 16_384, 32_768, 65_536};

  @TempDir Path directory;

  private final Catalogue catalogue = Catalogue.builtIn();

  private DeviceProfile device(String name) {
    return catalogue.device(name, DType.F16);
  }

  private static double experts(DeviceProfile device, int rows) {
    return device.expertSeconds(MIXTRAL, rows, Pass.FORWARD)
        + device.expertSeconds(MIXTRAL, rows, Pass.BACKWARD);
  }

  private static double attention(DeviceProfile device, int length) {
    return device.attentionSeconds(MIXTRAL, 1, length, Pass.FORWARD)
        + device.attentionSeconds(MIXTRAL, 1, length, Pass.BACKWARD);
  }

  private double expertRatio(String slow, String fast, int length) {
    int rows = length * MIXTRAL.topK() / MIXTRAL.experts();
    return experts(device(slow), rows) / experts(device(fast), rows);
  }

  private double attentionRatio(String slow, String fast, int length) {
    return attention(device(slow), length) / attention(device(fast), length);
  }

  @Test
  void anA40ComputesExpertsAQuarterFasterThanAV100() {
    for (int length : LENGTHS) {
      assertThat(expertRatio("V100", "A40", length)).isCloseTo(1.25, within(0.01));
    }
  }

  @Test
  void anA40AttendsFasterTheLongerTheSequence() {
    double[] ratios =
        IntStream.of(LENGTHS)
            .mapToDouble(length -> attentionRatio("V100", "A40", length))
            .toArray();

    assertThat(ratios).isSorted();
    assertThat(ratios[0]).isBetween(1.25, 1.8);
    assertThat(ratios[ratios.length - 1]).isCloseTo(3.7, within(0.05));
  }

  @Test
  void anL40sAgainstAT4() {
    double mean =
        IntStream.of(LENGTHS)
            .mapToDouble(length -> expertRatio("T4", "L40S", length))
            .average()
            .orElseThrow();

    assertThat(mean).isCloseTo(7.0, within(0.1));
    assertThat(attentionRatio("T4", "L40S", 4096)).isCloseTo(9.9, within(0.1));
    assertThat(attentionRatio("T4", "L40S", 65_536)).isCloseTo(13.6, within(0.1));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "V100",
        "V100-SXM2",
        "V100-PCIe",
        "T4",
        "A40",
        "L40S",
        "A100",
        "H100",
        "H200",
        "CPU"
      })
  void moreWorkTakesLonger(String name) {
    DeviceProfile device = device(name);

    for (int length = 512; length <= 65_536; length *= 2) {
      assertThat(attention(device, 2 * length)).isGreaterThan(attention(device, length));
      assertThat(experts(device, 2 * length)).isGreaterThan(experts(device, length));
    }
    assertThat(device.expertSeconds(MIXTRAL, 0, Pass.FORWARD)).isZero();
    assertThat(device.optimizerSeconds(2_000_000))
        .isGreaterThan(device.optimizerSeconds(1_000_000));
    assertThat(device.memoryBytes()).isPositive();
  }

  @Test
  void singlePrecisionIsSlower() {
    DeviceProfile single = catalogue.device("A100", DType.F32);

    assertThat(experts(single, 4096)).isGreaterThan(5 * experts(device("A100"), 4096));
  }

  @Test
  void namesWhatItKnows() {
    assertThatThrownBy(() -> device("P100"))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("P100")
        .hasMessageContaining("A40, L40S, A100");
    assertThatThrownBy(() -> catalogue.device("T4", DType.BF16))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("use fp16");
  }

  @Test
  void takesFurtherKindsFromAFile() throws Exception {
    // Given
    Path file = directory.resolve("kinds.yaml");
    Files.writeString(
        file,
        """
        P100:
          description: NVIDIA P100
          attention: false
          memory_gb: 16
          matrix_teraflops: 21.2
          single_teraflops: 10.6
          bandwidth_gb: 732
          matrix_efficiency: 0.5
          memory_efficiency: 0.8
        """);

    // When
    DeviceProfile device = catalogue.withFile(file).device("p100", DType.F16);

    // Then
    assertThat(device.attention()).isFalse();
    assertThat(device.expertSeconds(MIXTRAL, 1024, Pass.FORWARD)).isPositive();
    assertThatThrownBy(() -> device.attentionSeconds(MIXTRAL, 1, 1024, Pass.FORWARD))
        .isInstanceOf(InvalidFieldException.class);
  }

  @Test
  void saysWhatIsWrongWithAFile() throws Exception {
    Path file = directory.resolve("kinds.yaml");
    Files.writeString(
        file,
        """
        P100: {description: x, attention: false, memory_gb: 16, matrix_teraflops: 0,
               single_teraflops: 1, bandwidth_gb: 1, matrix_efficiency: 1, memory_efficiency: 1}
        """);

    assertThatThrownBy(() -> catalogue.withFile(file))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("matrix_teraflops: must be greater than 0");
  }

  @Test
  void aScaledDevicePausesAsMuchLonger() {
    DeviceProfile device = device("A40");

    assertThat(device.taskSeconds()).isEqualTo(2.5e-3);
    assertThat(new ScaledProfile(device, 10, 2, 4).taskSeconds()).isEqualTo(10 * 2.5e-3);
  }

  @Test
  void theRuntimeSaysWhatPassesBesideTheWork() {
    Catalogue services = catalogue.under(RuntimeOverheads.SERVICES);
    ModelShape model = KnownModels.of("mixtral-d1");
    DeviceProfile device = services.device("A40", DType.F16);

    assertThat(device.taskSeconds()).isZero();
    assertThat(device.expertSeconds(model, 100, Pass.FORWARD))
        .isCloseTo(device("A40").expertSeconds(model, 100, Pass.FORWARD) - 40e-6, within(1e-12));
    assertThat(EmulatedDevices.of("emulate", "A40", 5, 1, 1).taskSeconds()).isZero();
  }
}
