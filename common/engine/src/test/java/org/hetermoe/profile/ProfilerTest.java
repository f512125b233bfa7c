package org.hetermoe.profile;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.MeasuredProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.Json;
import org.hetermoe.run.RunSpecReader;
import org.junit.jupiter.api.Test;

class ProfilerTest {
  private static final ModelConfig MODEL = RunSpecReader.defaults().model();

  @Test
  void measuresADeviceSoThatMoreWorkTakesLonger() throws IOException {
    MeasuredProfile measured;
    try (Compute compute = Devices.open("cpu", 1)) {
      measured = new Profiler(compute, MODEL, 5_000_000).measure(1L << 30);
      assertThat(measured.name()).isEqualTo(compute.description());
    }
    // Its JSON is what it was.
    measured =
        Json.MAPPER.readValue(Json.MAPPER.writeValueAsBytes(measured), MeasuredProfile.class);

    DeviceProfile profile = measured.profile();
    ModelShape model = ModelShape.of("m", MODEL);
    assertThat(profile.memoryBytes()).isEqualTo(1L << 30);
    for (Pass pass : Pass.values()) {
      assertThat(profile.attentionSeconds(model, 4, 512, pass))
          .isGreaterThan(profile.attentionSeconds(model, 1, 128, pass));
      assertThat(profile.expertSeconds(model, 4096, pass))
          .isGreaterThan(profile.expertSeconds(model, 64, pass));
      assertThat(profile.expertSeconds(model, 0, pass)).isZero();
      assertThat(profile.headSeconds(model, 4096, pass))
          .isGreaterThan(profile.headSeconds(model, 64, pass));
      assertThat(profile.embeddingSeconds(model, 64, pass)).isPositive();
    }
    assertThat(profile.optimizerSeconds(1 << 24)).isGreaterThan(profile.optimizerSeconds(1 << 10));
    // Four times the length: four times the projections, sixteen times the attention.
    assertThat(
            profile.attentionSeconds(model, 1, 4096, Pass.FORWARD)
                / profile.attentionSeconds(model, 1, 1024, Pass.FORWARD))
        .isBetween(4.0, 16.0);
  }
}
