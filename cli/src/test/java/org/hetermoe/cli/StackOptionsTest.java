package org.hetermoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class StackOptionsTest {
  private final StackOptions options = new StackOptions();

  @BeforeEach
  void namesAnInstallation() {
    System.setProperty("hetermoe.home", "/opt/hetermoe");
  }

  @Test
  void keepsDataBesideTheScriptUnlessToldOtherwise() {
    assertThat(options.dataDirectory(Map.of()).root())
        .isEqualTo(Path.of("/opt/hetermoe/.hetermoe"));
    assertThat(options.dataDirectory(Map.of("HETERMOE_HOME", "/var/moe")).root())
        .isEqualTo(Path.of("/var/moe"));
  }

  @Test
  void prefersTheOptionToTheEnvironment() {
    // When
    new CommandLine(options).parseArgs("--data-dir", "/srv/moe");

    // Then
    assertThat(options.dataDirectory(Map.of("HETERMOE_HOME", "/var/moe")).root())
        .isEqualTo(Path.of("/srv/moe"));
  }
}
