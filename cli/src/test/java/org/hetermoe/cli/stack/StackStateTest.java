package org.hetermoe.cli.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StackStateTest {
  @TempDir Path directory;

  @Test
  void remembersProcesses() {
    // Given
    Path file = directory.resolve("stack.json");
    ProcessRecord kafka =
        new ProcessRecord("kafka", 12, Instant.parse("2026-01-02T03:04:05.678Z"), 1, 2, "", false);
    StackState state = StackState.read(file);

    // When
    state.put(kafka);
    state.put(new ProcessRecord("coordinator", 13, kafka.startedAt(), 3, 0, "built", false));
    state.put(kafka.kept());

    // Then
    assertThat(StackState.read(file).find("kafka")).contains(kafka.kept());
    assertThat(StackState.read(file).processes())
        .extracting(ProcessRecord::name)
        .containsExactly("coordinator", "kafka");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "[]", "{\"processes\": 3}", "{\"processes\": [{\"pid\": 1}]}"})
  void saysThatAFileIsDamaged(String content) throws IOException {
    // Given
    Path file = directory.resolve("stack.json");
    Files.writeString(file, content);

    // Then
    assertThatThrownBy(() -> StackState.read(file))
        .isInstanceOf(StackException.class)
        .hasMessageContaining("stack.json is damaged");
  }

  @Test
  void tellsAProcessFromALaterOneWithTheSameId() throws IOException, InterruptedException {
    // Given
    Process sleep = new ProcessBuilder("sleep", "60").start();
    OsProcess process = OsProcess.of(sleep.toHandle());
    OsProcess earlier =
        new OsProcess(process.pid(), process.startedAt().minus(Duration.ofMinutes(1)));
    try {
      // When
      earlier.kill();

      // Then
      assertThat(earlier.alive()).isFalse();
      assertThat(process.alive()).isTrue();
    } finally {
      process.kill();
    }
    assertThat(process.awaitEnd(Duration.ofSeconds(10))).isTrue();
  }

  @Test
  void stopsAProcessThatDoesNotHeedTheRequest() throws IOException, InterruptedException {
    // Given a process that has set out to ignore SIGTERM
    Process stubborn =
        new ProcessBuilder("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
            .start();
    assertThat(stubborn.getInputStream().read()).isEqualTo('r');
    OsProcess process = OsProcess.of(stubborn.toHandle());

    // When
    ChildProcesses.stop(
        java.util.List.of(
            new ProcessRecord("stubborn", process.pid(), process.startedAt(), 0, 0, "", false)),
        Duration.ofMillis(300));

    // Then
    assertThat(process.alive()).isFalse();
  }

  @Test
  void givesEachPortToOneUser() {
    // Given
    LoopbackPorts ports = new LoopbackPorts();

    // When
    int first = ports.free("kafka", 0);

    // Then
    assertThat(new LoopbackPorts().free("expert-0", first)).isEqualTo(first);
    assertThat(ports.free("expert-0", first)).isNotEqualTo(first);
    assertThat(ports.free("kafka", first)).as("started anew").isEqualTo(first);
  }
}
