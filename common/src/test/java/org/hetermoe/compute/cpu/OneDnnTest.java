package org.hetermoe.compute.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.tensor.Shape;
import org.hetermoe.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class OneDnnTest {

  /** oneDNN's own OpenMP team would fight with ours for the cores. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void aProductStartsNoThreadOfOpenMp() throws IOException, InterruptedException {
    try (Compute compute = Devices.open("cpu", 1);
        Tensor a = compute.zeros(Shape.of(600, 600));
        Tensor b = compute.zeros(Shape.of(600, 600))) {
      compute.linear(a, a, b); // the libraries and this thread's team of one
      Thread fresh = new Thread(() -> compute.linear(a, a, b)); // a thread that OpenMP never saw
      long before = nativeThreads();
      fresh.start();
      fresh.join();
      assertThat(nativeThreads()).isLessThanOrEqualTo(before);
    }
  }

  private static long nativeThreads() throws IOException {
    long count = 0;
    try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
      for (Path task : (Iterable<Path>) tasks::iterator) {
        // OpenMP's threads carry the name of the thread that started them: "java" or a test's.
        String name = Files.readString(task.resolve("comm")).trim();
        count += name.matches("java|main|Thread-\\d+") ? 1 : 0;
      }
    }
    return count;
  }
}
