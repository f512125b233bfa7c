package org.hetermoe.cli.stack;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class InstallationTest {
  /** What keeps on running after that neither works nor is noticed. */
  @Test
  void everyProcessEndsWhenItsMemoryIsExhausted() {
    Installation installation = new Installation(Path.of("home"));

    for (List<String> command :
        List.of(
            installation.hostCommand(KafkaHost.class, "64m", List.of()),
            installation.computingCommand(KafkaHost.class, List.of()),
            installation.serviceCommand("expert-service", "64m", List.of()))) {
      assertThat(command).contains("-XX:+ExitOnOutOfMemoryError");
    }
  }
}
