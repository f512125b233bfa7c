package org.hetermoe.emulator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@RequiresEmulatedCuda
class EmulatedCudaTest {

  @ParameterizedTest
  @ValueSource(ints = {70, 75, 80, 90})
  void aKernelThatNvrtcCompiledRunsOnEveryGeneration(int capability) {
    try (Gpu gpu = new Gpu(capability)) {
      gpu.source(
          """
          extern "C" __global__ void scale(const float* x, float* y, float factor, int n) {
            int i = blockIdx.x * blockDim.x + threadIdx.x;
            if (i < n) y[i] = factor * x[i] + __CUDA_ARCH__;
          }
          """);
      float[] x = new float[1000];
      float[] expected = new float[1000];
      for (int i = 0; i < x.length; i++) {
        x[i] = i * 0.5f;
        expected[i] = 3 * x[i] + capability * 10;
      }
      long before = Gpu.emulator().instructions();
      long y = gpu.allocate(4000);
      gpu.run("scale", 4, 256, 0, gpu.upload(x), y, 3f, 1000);
      assertThat(gpu.floats(y, 1000)).containsExactly(expected);
      assertThat(Gpu.emulator().instructions() - before).isBetween(5_000L, 50_000L);
    }
  }

  @Test
  void aProcessHasOneListOfDevices() {
    EmulatedCuda emulator = Gpu.emulator();
    assertThat(EmulatedCuda.start(Gpu.CAPABILITIES)).isSameAs(emulator);
    assertThat(emulator.capabilities()).containsExactly(70, 75, 80, 90);
    assertThatThrownBy(() -> EmulatedCuda.start(80))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("this process has emulated devices [70, 75, 80, 90], not [80]");
  }

  @Test
  void theBuildKnowsEverySource() throws IOException {
    Path sources = Path.of("src", "main", "cpp");
    try (Stream<Path> files = Files.walk(sources)) {
      List<String> found =
          files.filter(Files::isRegularFile).map(f -> sources.relativize(f).toString()).toList();
      List<String> known =
          Stream.of(NativeBuild.HEADERS, NativeBuild.DRIVER_SOURCES, NativeBuild.BLAS_SOURCES)
              .flatMap(List::stream)
              .toList();
      assertThat(known).containsExactlyInAnyOrderElementsOf(found);
    }
  }
}
