package org.hetermoe.compute;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MarkTest {

  @ParameterizedTest
  @ValueSource(strings = {"reference", "cpu"})
  void theProcessorsMarksAreReachedAtOnce(String device) {
    try (Compute compute = Devices.open(device, 1);
        DeviceTensors d = new DeviceTensors(compute, 1);
        Mark begin = compute.mark()) {
      long before = System.nanoTime();
      compute.linear(d.normal(64, 64), d.normal(64, 64), d.output(64, 64));
      long took = System.nanoTime() - before;
      try (Mark end = compute.mark()) {
        assertThat(end.isReached()).isTrue();
        assertThat(end.nanosSince(begin)).isGreaterThanOrEqualTo(took);
      }
    }
  }
}
