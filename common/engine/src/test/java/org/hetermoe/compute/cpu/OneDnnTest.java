package org.hetermoe.compute.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class OneDnnTest {

  /** oneDNN's own OpenMP team would fight with ours for the cores. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void aProductStartsNoThreadOfOpenMp() throws IOException {
    try (Compute compute = Devices.open("cpu", 1);
        Tensor a = compute.zeros(DType.F32, Shape.of(600, 600));
        Tensor b = compute.zeros(DType.F32, Shape.of(600, 600))) {
      // OpenMP's threads carry the name of the thread that started them and stay as long as it.
      String name = Files.readString(Path.of("/proc/thread-self/comm"));
      long before = threadsCalled(name);
      compute.linear(a, a, b);
      assertThat(before).isPositive();
      assertThat(threadsCalled(name)).isEqualTo(before);
    }
  }

  private static long threadsCalled(String name) throws IOException {
    try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
      return tasks.filter(task -> isCalled(task, name)).count();
    }
  }

  private static boolean isCalled(Path task, String name) {
    try {
      return Files.readString(task.resolve("comm")).equals(name);
    } catch (IOException e) {
      return false; // it ended meanwhile, so it is none that stays
    }
  }
}
