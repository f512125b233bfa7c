package org.hetermoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Exit codes and messages. */
class MainTest {
  @TempDir Path directory;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "trian run.yaml",
        "train",
        "train run.yaml --sett a=b",
        "train run.yaml --set",
        "runs show",
        "up --experts many",
        "up --experts -1",
        "up --threads 0",
        "runs --coordinator nonsense",
        "stop --coordinator http://127.0.0.1:1 not-an-id"
      })
  void saysInOneLineWhatIsWronglyAsked(String line) {
    // When
    int code = run(line.isEmpty() ? new String[0] : line.split(" "));

    // Then
    assertThat(code).isEqualTo(2);
    assertThat(err.toString().lines()).hasSize(1).allMatch(text -> text.startsWith("hetermoe: "));
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void namesTheFieldOfAMalformedRunFile() throws IOException {
    // Given
    Path file = directory.resolve("run.yaml");
    Files.writeString(file, "model: {top_k: 9}\n");

    // When
    int code = run("train", file.toString());

    // Then
    assertThat(code).isEqualTo(2);
    assertThat(err.toString()).startsWith("hetermoe: model.top_k: must not exceed experts (8)");
  }

  @Test
  void namesTheFieldOfAMalformedOverride() throws IOException {
    // Given
    Path file = directory.resolve("run.yaml");
    Files.writeString(file, "training: {steps: 5}\n");

    // When
    int code = run("train", file.toString(), "--set", "training.steps=0");

    // Then
    assertThat(code).isEqualTo(2);
    assertThat(err.toString()).startsWith("hetermoe: training.steps: must be at least 1");
  }

  @Test
  void saysThatARunFileOrItsTextIsMissingBeforeAnythingIsStarted() throws IOException {
    // Given
    Path file = directory.resolve("run.yaml");
    Files.writeString(file, "data: {source: /no/such/text}\n");
    Path data = directory.resolve("data");

    // When
    int noText = run("train", file.toString(), "--data-dir", data.toString());
    int noFile = run("train", directory.resolve("absent.yaml").toString());

    // Then
    assertThat(noText).isEqualTo(2);
    assertThat(noFile).isEqualTo(2);
    assertThat(err.toString().lines().toList())
        .hasSize(2)
        .satisfiesExactly(
            first -> assertThat(first).startsWith("hetermoe: data.source: ").contains("/no/such"),
            second -> assertThat(second).contains("absent.yaml"));
    assertThat(data.resolve("stack.json")).doesNotExist();
  }

  @Test
  void saysInOneLineThatACoordinatorDoesNotAnswer() throws IOException {
    // Given
    Path file = directory.resolve("run.yaml");
    Files.writeString(file, "");

    // When
    int code = run("train", file.toString(), "--coordinator", "http://127.0.0.1:1");

    // Then
    assertThat(code).isEqualTo(1);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).contains("http://127.0.0.1:1 does not answer");
  }

  @Test
  void showsAnEmptyDataDirectoryAsNotUp() {
    // When
    int status = run("status", "--data-dir", directory.resolve("empty").toString());
    int down = run("down", "--data-dir", directory.resolve("empty").toString());

    // Then
    assertThat(status).isZero();
    assertThat(down).isZero();
    assertThat(out.toString()).contains("nothing is up").contains("empty");
    assertThat(directory.resolve("empty")).doesNotExist();
  }

  /** The list of commands shows the first line of each description. */
  @ParameterizedTest
  @MethodSource("commands")
  void theListOfCommandsDescribesEachInASentence(CommandLine command) {
    String[] description = command.getCommandSpec().usageMessage().description();

    assertThat(description).as(command.getCommandName()).isNotEmpty();
    assertThat(description[0]).as(command.getCommandName()).matches("[A-Z].*[^.]\\.");
  }

  static Stream<CommandLine> commands() {
    return Main.commandLine().getSubcommands().values().stream()
        .flatMap(command -> Stream.concat(Stream.of(command), nested(command)))
        // The last is picocli's own.
        .filter(command -> !command.getCommandName().equals("help"));
  }

  private static Stream<CommandLine> nested(CommandLine command) {
    return command.getSubcommands().values().stream();
  }

  private int run(String... arguments) {
    System.setProperty("hetermoe.home", Path.of("..").toAbsolutePath().toString());
    CommandLine command =
        Main.commandLine().setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    return command.execute(arguments);
  }
}
