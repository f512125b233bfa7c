package org.hetermoe.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;

class DevicesTest {

  @Test
  void namesFindTheirDevices() {
    try (Compute cpu = Devices.open("cpu:0", 2);
        Compute reference = Devices.open("reference", 1)) {
      assertThat(cpu.description()).matches("cpu \\(oneDNN 3\\..*-bit vectors, 2 threads\\)");
      assertThat(reference.description()).startsWith("reference (");
    }
  }

  @Test
  void autoTakesTheFastestThatStarts() {
    try (Compute compute = Devices.open("auto", 1)) {
      assertThat(compute.description()).doesNotStartWith("reference");
    }
  }

  @Test
  void whatIsNotThereIsRefused() {
    assertThatExceptionOfType(ComputeUnavailableException.class)
        .isThrownBy(() -> Devices.open("abacus", 1))
        .withMessageContaining("cpu, reference");
    assertThatExceptionOfType(ComputeUnavailableException.class)
        .isThrownBy(() -> Devices.open("cpu:1", 1))
        .withMessage("there is only one cpu device: cpu:0");
    assertThatExceptionOfType(ComputeUnavailableException.class)
        .isThrownBy(() -> Devices.open("reference:GPU-1", 1))
        .withMessage("there is only one reference device: reference:0");
    assertThatExceptionOfType(ComputeUnavailableException.class)
        .isThrownBy(() -> Devices.open("cpu", 0));
  }
}
