package org.hetermoe.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.hetermoe.device.Catalogue;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClusterSpecTest {
  @TempDir Path directory;

  @Test
  void readsAnOption() {
    ClusterSpec cluster = ClusterSpec.parse("A40:6,V100:3");

    assertThat(cluster.devices()).extracting(ClusterSpec.Kind::count).containsExactly(6, 3);
    assertThat(cluster.all(Catalogue.builtIn(), DType.F16)).hasSize(9);
  }

  @Test
  void readsAFileWithSharedCards() throws Exception {
    // Given
    Path file = directory.resolve("cluster.yaml");
    Files.writeString(
        file,
        """
        devices:
          - {kind: A40, count: 4, network: {gbps: 200, devices_per_nic: 2}, price_per_hour: 0.5}
          - {kind: T4, count: 2}
        network: {gbps: 25, latency_microseconds: 30}
        """);

    // When
    List<Device> devices = ClusterSpec.parse(file.toString()).all(Catalogue.builtIn(), DType.F16);

    // Then
    assertThat(devices.subList(0, 4)).extracting(Device::nic).containsExactly(0, 0, 1, 1);
    assertThat(devices.subList(4, 6)).extracting(Device::nic).containsOnly(-1);
    assertThat(devices.getFirst().bytesPerSecond())
        .isEqualTo(8 * devices.getLast().bytesPerSecond());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "A40", "A40:", "A40:x", "A40:0", ":3", "A40:2,,T4:1", "missing.yaml"})
  void refusesWhatItCannotUnderstand(String text) {
    assertThatThrownBy(() -> ClusterSpec.parse(text))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageStartingWith("cluster: ");
  }

  @Test
  void anotherRateLeavesTheRestOfTheNetworkAsItIs() {
    ClusterSpec spec =
        new ClusterSpec(
            List.of(
                new ClusterSpec.Kind("A40", 4, null, 0),
                new ClusterSpec.Kind("T4", 2, new NetworkSpec(25.0, null, null, null), 0)),
            new NetworkSpec(100.0, 0.5, 5.0, 2),
            null);

    ClusterSpec faster = spec.withGbps(200);

    assertThat(faster.network()).isEqualTo(new NetworkSpec(200.0, 0.5, 5.0, 2));
    assertThat(faster.devices().getLast().network().gbps()).isEqualTo(200);
  }

  @Test
  void refusesANetworkThatCarriesNothing() {
    assertThatThrownBy(() -> new NetworkSpec(0.0, null, null, null))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("network.gbps: must be greater than 0");
  }
}
