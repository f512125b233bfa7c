package org.hetermoe;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.hetermoe.testing.Layering;
import org.junit.jupiter.api.Test;

class CoreLayeringTest extends Layering {
  CoreLayeringTest() {
    super(
        Map.of(
            "tensor",
            List.of(),
            "model",
            List.of("tensor"),
            "group",
            List.of("model"),
            "schedule",
            List.of("group", "model"),
            "device",
            List.of("model", "tensor"),
            "run",
            List.of("model", "group", "schedule", "device", "tensor"),
            "api",
            List.of("run", "group", "model")),
        Map.of());
  }

  /** Of every module of the project, since it is the same rule for all. */
  @Test
  void everyPackageSaysWhatItIsFor() throws IOException {
    Path project = Path.of("..", "..");
    assertThat(project.resolve("mvnw")).exists();
    try (Stream<Path> files = Files.walk(project)) {
      List<Path> packages =
          files
              .filter(file -> file.toString().endsWith(".java"))
              .filter(file -> file.toString().contains("/src/main/java/"))
              .map(Path::getParent)
              .distinct()
              .toList();

      assertThat(packages)
          .isNotEmpty()
          .allMatch(each -> Files.exists(each.resolve("package-info.java")));
    }
  }
}
