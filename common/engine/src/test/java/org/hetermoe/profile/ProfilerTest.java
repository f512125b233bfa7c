package org.hetermoe.profile;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.Tensor;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.MeasuredProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.Json;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.Test;

class ProfilerTest {
  private static final ModelConfig MODEL = RunSpecReader.defaults().model();

  /** An attention row of 32 numbers, so that a length of 2048 takes a quarter of a MiB. */
  private static final ModelConfig SMALL =
      RunSpecReader.read(
              "",
              List.of(
                  "model.hidden=8",
                  "model.heads=1",
                  "model.kv_heads=1",
                  "model.head_dim=4",
                  "model.experts=2",
                  "model.expert_width=8",
                  "model.vocabulary=256"))
          .model();

  /** A device on whose clock an operation takes a nanosecond for each element it is given. */
  private static Compute counting(Compute real, AtomicLong nanos) {
    return (Compute)
        Proxy.newProxyInstance(
            ProfilerTest.class.getClassLoader(),
            new Class<?>[] {Compute.class},
            (proxy, method, arguments) -> {
              if (arguments != null) {
                Arrays.stream(arguments)
                    .filter(Tensor.class::isInstance)
                    .forEach(tensor -> nanos.addAndGet(((Tensor) tensor).shape().elements()));
              }
              return method.invoke(real, arguments);
            });
  }

  @Test
  void moreWorkTakesLongerAndTheProfileSaysSo() throws IOException {
    MeasuredProfile measured;
    AtomicLong nanos = new AtomicLong();
    try (Compute compute = Devices.open("cpu", 1)) {
      measured =
          new Profiler(counting(compute, nanos), MODEL, DType.F32, 0, nanos::get).measure(1L << 30);
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
    // Tensors grow with the length alone, so on this clock everything does.
    assertThat(
            profile.attentionSeconds(model, 1, 512, Pass.FORWARD)
                / profile.attentionSeconds(model, 1, 256, Pass.FORWARD))
        .isBetween(1.5, 2.0);
  }

  @Test
  void aQuickDeviceIsMeasuredAtLargerSizesAsItsMemoryAdmits() {
    long patience = 1_000_000_000L;

    assertThat(lengths(patience, 1L << 22)).isEqualTo(5);
    assertThat(lengths(patience, 1L << 20)).isEqualTo(4);
    assertThat(lengths(0, 1L << 40)).isEqualTo(4);
  }

  private static int lengths(long patienceNanos, long memoryBytes) {
    AtomicLong nanos = new AtomicLong();
    try (Compute compute = Devices.open("cpu", 1)) {
      return new Profiler(counting(compute, nanos), SMALL, DType.F32, patienceNanos, nanos::get)
          .measure(memoryBytes)
          .attention()
          .forward()
          .points()
          .size();
    }
  }
}
