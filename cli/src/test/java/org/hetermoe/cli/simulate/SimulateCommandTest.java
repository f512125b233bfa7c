package org.hetermoe.cli.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.hetermoe.cli.UsageException;
import org.hetermoe.model.InvalidFieldException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** What the command takes and prints; how good the numbers are is tested beside the simulator. */
class SimulateCommandTest {
  @TempDir Path directory;

  private final StringWriter out = new StringWriter();

  private void run(String... arguments) {
    int code =
        new CommandLine(new SimulateCommand())
            .setOut(new PrintWriter(out, true))
            .setExecutionExceptionHandler(
                (problem, command, parsed) -> {
                  throw problem;
                })
            .execute(arguments);
    assertThat(code).as(String.join(" ", arguments)).isZero();
  }

  private static String[] line(String text) {
    return text.split(" ");
  }

  @Test
  void printsOneJsonObject() throws Exception {
    // When
    run(
        line(
            "--cluster A40:2,V100:2 --model mixtral-d1 --seq 8192 --global-batch 16"
                + " --planner paper --recompute full --json"));

    // Then
    JsonNode report = new ObjectMapper().readTree(out.toString());
    assertThat(report.at("/inputs/global_batch").asInt()).isEqualTo(16);
    assertThat(report.at("/inputs/recompute").asText()).isEqualTo("full");
    assertThat(report.at("/inputs/model/experts").asInt()).isEqualTo(24);
    assertThat(report.at("/inputs/cluster/network/gbps").asDouble()).isEqualTo(100);
    assertThat(report.at("/inputs/attention/A40").asInt()).isEqualTo(2);
    assertThat(report.get("systems"))
        .extracting(system -> system.get("name").asText())
        .containsExactly("hetermoe", "hetermoe-no-asym-ea", "ep", "ep-ideal", "distep", "pp");
    for (JsonNode system : report.get("systems")) {
      switch (system.get("name").asText()) {
        case "hetermoe-no-asym-ea", "distep" -> {
          assertThat(system.get("reason").asText()).contains("V100").contains("GB");
          assertThat(system).hasSize(2);
        }
        default -> {
          double tokens = 16 * 8192 / system.get("step_seconds").asDouble();
          if (!system.get("name").asText().equals("ep-ideal")) {
            assertThat(system.get("tokens_per_second").asDouble() / tokens).isBetween(0.999, 1.001);
          }
          assertThat(system.get("busy").get("A40").asDouble()).isBetween(0.0, 1.0);
          assertThat(system.get("memory_bytes").get("V100").asLong()).isPositive();
        }
      }
    }
  }

  @Test
  void systemsInWhichAllAttendSayThatOneKindCannot() throws Exception {
    // Given
    Path kinds =
        Files.writeString(
            directory.resolve("kinds.yaml"),
            """
            P100:
              description: NVIDIA P100
              attention: false
              memory_gb: 16
              matrix_teraflops: 21.2
              single_teraflops: 10.6
              bandwidth_gb: 732
              matrix_efficiency: 0.5
              memory_efficiency: 0.8
            """);

    // When
    run(
        line(
            "--cluster A40:2,P100:4 --model mixtral-d1 --planner paper --json --devices " + kinds));

    // Then
    for (JsonNode system : new ObjectMapper().readTree(out.toString()).get("systems")) {
      switch (system.get("name").asText()) {
        case "ep", "pp" ->
            assertThat(system.get("reason").asText()).contains("not every device can compute");
        default -> assertThat(system.get("tokens_per_second").asDouble()).isPositive();
      }
    }
  }

  @Test
  void theDefaultBatchSuitsTheMicroBatchesThatAreAskedFor() throws Exception {
    run(
        line(
            "--cluster A40:2,V100:2 --model mixtral-d1 --micro-batches 5 --system hetermoe"
                + " --planner paper --json"));

    JsonNode report = new ObjectMapper().readTree(out.toString());
    assertThat(report.at("/systems/0/micro_batches").asInt()).isEqualTo(5);
    assertThat(report.at("/inputs/global_batch").asInt() % 5).isZero();
  }

  @Test
  void hotExpertsHaveReplicas() throws Exception {
    run(
        line(
            "--cluster A40:2,V100:4 --model mixtral-d1 --imbalance 20 --global-batch 48"
                + " --micro-batches 4 --system hetermoe,hetermoe-no-asym-ea --json"));

    JsonNode systems = new ObjectMapper().readTree(out.toString()).get("systems");
    assertThat(systems.at("/0/replicas")).isNotEmpty();
    assertThat(systems.at("/0/replicas/0/worker").asText()).containsPattern("(expert|attention)-");
    assertThat(systems.get(1).has("replicas")).isFalse();
  }

  @Test
  void whereNothingFitsThereIsNothingToDraw() {
    String arguments =
        "--cluster A40:2,V100:2 --model mixtral-8x7b --system hetermoe,ep --global-batch 4 --chart "
            + directory.resolve("step.svg");

    assertThatThrownBy(() -> rethrown(line(arguments)))
        .isInstanceOf(UsageException.class)
        .hasMessage("no system fits, so there is nothing to draw");
    assertThat(directory.resolve("step.svg")).doesNotExist();
  }

  @Test
  void writesChartAndTraces() throws Exception {
    Path chart = directory.resolve("step.svg");
    Path trace = directory.resolve("step.json");
    Path timeline = directory.resolve("step.timeline.json");
    String common =
        "--cluster A40:2,V100:4 --model mixtral-w1 --system hetermoe --global-batch 8"
            + " --micro-batches 4 --planner paper --chart "
            + chart
            + " --trace ";

    run(line(common + trace));
    run(line(common + timeline));

    assertThat(Files.readString(chart)).startsWith("<svg").contains("attention forward");
    assertThat(new ObjectMapper().readTree(trace.toFile()).get("traceEvents").size())
        .isGreaterThan(100);
    assertThat(new ObjectMapper().readTree(timeline.toFile()).get("critical_path")).isNotEmpty();
  }

  @Test
  void takesModelAndClusterFromFiles() throws Exception {
    // Given
    Path model = directory.resolve("small.yaml");
    Files.writeString(
        model,
        """
        vocabulary: 32000
        hidden: 512
        layers: 4
        heads: 8
        kv_heads: 4
        head_dim: 64
        experts: 8
        top_k: 2
        expert_width: 1024
        """);
    Path cluster = directory.resolve("cluster.yaml");
    Files.writeString(cluster, "devices: [{kind: A100, count: 2}, {kind: T4, count: 2}]\n");
    Path counts = directory.resolve("counts.json");
    Files.writeString(counts, "[" + "[4,3,2,1,1,1,1,1],".repeat(3) + "[1,1,1,1,1,1,1,1]]");

    // When
    run(
        "--cluster",
        cluster.toString(),
        "--model",
        model.toString(),
        "--imbalance",
        counts.toString(),
        "--system",
        "hetermoe,ep",
        "--global-batch",
        "16");

    // Then
    assertThat(out.toString())
        .contains("small, 4096 tokens")
        .contains("2 T4")
        .containsPattern("(?m)^hetermoe +[0-9,]+ ")
        .containsPattern("(?m)^ep +[0-9,]+ ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--cluster X9:2 --model mixtral-d1 | there is no device 'X9'; known are V100,",
        "--cluster A40:2,T4:2 --model mixtral-d1 --network 0 | network.gbps: must be greater than 0",
        "--cluster A40:2,T4:2 --model mixtral | there is no model and no file 'mixtral'",
        "--cluster A40:2,T4:2 --model mixtral-d1 --system zp | system: must be all or some of",
        "--cluster A40:2,T4:2 --model mixtral-d1 --imbalance 0.5 | imbalance: the ratio",
        "--cluster A40:2,T4:2 --model mixtral-d1 --imbalance none | imbalance: must be a ratio",
      })
  void refusesInOneLine(String arguments, String message) {
    assertThatThrownBy(() -> rethrown(line(arguments)))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
  }

  @ParameterizedTest
  @CsvSource({"--seq 0", "--micro-batches 0", "--global-batch -1", "--experts 1", "--planner x"})
  void refusesOptionsOutOfRange(String option) {
    assertThatThrownBy(() -> rethrown(line("--cluster A40:2,T4:2 --model mixtral-d1 " + option)))
        .isInstanceOf(UsageException.class)
        .hasMessageStartingWith(option.substring(0, option.indexOf(' ')) + " must be");
  }

  private void rethrown(String... arguments) throws Exception {
    SimulateCommand command = new SimulateCommand();
    new CommandLine(command).setOut(new PrintWriter(out, true)).parseArgs(arguments);
    command.call();
  }
}
