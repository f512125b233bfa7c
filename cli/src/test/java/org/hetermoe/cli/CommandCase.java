package org.hetermoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * What tests of the command as people run it have in common: the command, database, broker and
 * services, each a process. Needs the services' packages, which a build from the root makes first.
 */
abstract class CommandCase {
  static final Path HOME = Path.of("..").toAbsolutePath().normalize();
  static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path data;

  @BeforeEach
  void findsTheServicesBuilt() {
    for (String service : List.of("attention", "expert", "coordinator")) {
      assertThat(HOME.resolve(service + "-service/target/quarkus-app/quarkus-run.jar"))
          .as("build from the root, ./mvnw verify, so that services are packaged first")
          .exists();
    }
  }

  @AfterEach
  void leavesNothingRunning() throws Exception {
    run("down");
  }

  List<String> run(String... arguments) throws IOException, InterruptedException {
    Process process = start(arguments);
    List<String> lines = new ArrayList<>();
    try (BufferedReader reader = process.inputReader()) {
      reader.lines().forEach(lines::add);
    }
    assertThat(process.waitFor()).as(() -> String.join(" ", arguments) + "\n" + errors()).isZero();
    return lines;
  }

  Process start(String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+ExitOnOutOfMemoryError",
                "-Dhetermoe.home=" + HOME,
                "-jar",
                "target/hetermoe-cli.jar"));
    command.addAll(List.of(arguments));
    command.addAll(List.of("--data-dir", data.resolve("stack").toString()));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectError(ProcessBuilder.Redirect.appendTo(data.resolve("errors.log").toFile()));
    builder.environment().putAll(environment());
    return builder.start();
  }

  /** What the command, and so the services, find in their environment besides. */
  Map<String, String> environment() {
    return Map.of();
  }

  /** Reads a command's events until one is enough, which it returns. */
  static JsonNode await(BufferedReader events, Predicate<JsonNode> enough) throws IOException {
    for (String line = events.readLine(); line != null; line = events.readLine()) {
      JsonNode event = JSON.readTree(line);
      if (enough.test(event)) {
        return event;
      }
    }
    throw new AssertionError("the command ended before what was awaited happened");
  }

  String errors() {
    try {
      return Files.readString(data.resolve("errors.log"));
    } catch (IOException e) {
      return "no error output: " + e;
    }
  }
}
