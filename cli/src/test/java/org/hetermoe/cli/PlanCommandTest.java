package org.hetermoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.hetermoe.run.Json;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class PlanCommandTest {
  private static final String OWN_DEVICE =
      """
      MyCard:
        description: a card of one's own
        memory_gb: 24
        matrix_teraflops: 90
        single_teraflops: 15
        bandwidth_gb: 800
        matrix_efficiency: 0.5
        core_efficiency: {4096: 0.15}
        memory_efficiency: 0.8
      """;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    CommandLine command = Main.commandLine();
    command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    return command.execute(arguments);
  }

  @Test
  void theJsonHoldsLayoutsAndThePlacementOfTheBest() throws IOException {
    assertThat(run("plan", "A40:2,V100:2", "mixtral-d1", "--global-batch", "24", "--json"))
        .isZero();

    JsonNode plan = Json.MAPPER.readTree(out.toString());
    JsonNode best = plan.get("layouts").get(0);
    assertThat(plan.get("bound_fraction").asDouble()).isBetween(0.3, 1.0);
    assertThat(best.get("tokens_per_second").asDouble())
        .isGreaterThanOrEqualTo(plan.get("layouts").get(1).get("tokens_per_second").asDouble());
    assertThat(best.get("experts_moved")).hasSize(8);
    assertThat(best.get("placement")).hasSize(8);
    assertThat(best.get("placement").get(0)).hasSize(24);
    assertThat(best.get("why").asText()).contains("attention on");
  }

  /** What is kept takes room, what is computed again takes time. */
  @Test
  void recomputeIsPlannedFor() throws IOException {
    List<JsonNode> best = new ArrayList<>();
    for (String recompute : List.of("none", "attention", "full")) {
      out.getBuffer().setLength(0);
      assertThat(
              run(
                  "plan",
                  "A40:2,V100:2",
                  "mixtral-d1",
                  "--seq",
                  "1024",
                  "--global-batch",
                  "8",
                  "--recompute",
                  recompute,
                  "--top",
                  "1",
                  "--json"))
          .isZero();
      JsonNode plan = Json.MAPPER.readTree(out.toString());
      assertThat(plan.at("/recompute").asText()).isEqualTo(recompute);
      best.add(plan.at("/layouts/0"));
    }
    assertThat(best)
        .extracting(layout -> layout.get("tokens_per_second").asDouble())
        .isSortedAccordingTo(Comparator.reverseOrder())
        .doesNotHaveDuplicates();
  }

  @Test
  void whatCannotBeComputedAgainIsSaid() {
    assertThat(run("plan", "A40:2,V100:2", "mixtral-d1", "--recompute", "some")).isEqualTo(2);
    assertThat(err.toString().strip())
        .isEqualTo("hetermoe: --recompute must be none, attention or full, is 'some'");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "A40:1|mixtral-d1|has 1 device",
        "A40:1,V100:1|mixtral-8x7b|cannot train mixtral-8x7b",
        "B200:2|mixtral-d1|there is no device 'B200'",
        "A40:2,V100:2|mixtral-x|no model",
      })
  void whatCannotBeIsSaidInOneLine(String cluster, String model, String problem) {
    assertThat(run("plan", cluster, model)).isEqualTo(2);
    assertThat(err.toString()).startsWith("hetermoe: ").contains(problem).hasLineCount(1);
  }

  @Test
  void ownDevicesUnevenLoadsAndAFittedBatch(@TempDir Path folder) throws IOException {
    Path devices = folder.resolve("devices.yaml");
    Files.writeString(devices, OWN_DEVICE);

    assertThat(
            run(
                "plan",
                "A40:2,MyCard:2",
                "mixtral-d1",
                "--devices",
                devices.toString(),
                "--imbalance",
                "zipf:0.5",
                "--json"))
        .isZero();

    JsonNode best = Json.MAPPER.readTree(out.toString()).get("layouts").get(0);
    assertThat(best.get("devices").asInt()).isEqualTo(4);
    assertThat(best.get("global_batch").asInt()).isBetween(4, 32);
    assertThat(best.get("expert").toString() + best.get("attention")).contains("MyCard");
  }

  @Test
  void replicasArePlannedOnlyWithWhatIf() throws IOException {
    String[] hot = {
      "plan", "A40:2,V100:4", "mixtral-d1", "--global-batch", "48", "--imbalance", "20", "--json"
    };

    assertThat(run(hot)).isZero();
    assertThat(Json.MAPPER.readTree(out.toString()).at("/layouts/0/replicas")).isEmpty();

    out.getBuffer().setLength(0);
    assertThat(run(Stream.concat(Stream.of(hot), Stream.of("--what-if")).toArray(String[]::new)))
        .isZero();
    assertThat(Json.MAPPER.readTree(out.toString()).at("/layouts/0/replicas")).isNotEmpty();
  }

  @Test
  void aNetworkWithoutBandwidthIsRefused(@TempDir Path folder) throws IOException {
    Path cluster = folder.resolve("cluster.yaml");
    Files.writeString(
        cluster,
        """
        devices:
          - {kind: A40, count: 2}
          - {kind: V100, count: 2}
        network: {gbps: 0}
        """);

    assertThat(run("plan", cluster.toString(), "mixtral-d1")).isEqualTo(2);
    assertThat(err.toString()).contains("gbps: must be greater than 0").hasLineCount(1);
  }
}
