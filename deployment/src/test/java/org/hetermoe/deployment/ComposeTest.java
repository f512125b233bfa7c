package org.hetermoe.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the docker client makes of the compose files; it needs no engine for that. */
class ComposeTest {
  private static final List<String> OURS =
      List.of("coordinator", "attention-0", "expert-0", "expert-1");

  @BeforeEach
  void needsTheClient() {
    assumeTrue(
        Command.isThere("docker", "compose", "version"),
        "there is no docker client with Compose here");
  }

  @Test
  void servicesStartInTheOrderOfHealthWithNothingOpenButLoopback() throws Exception {
    JsonNode composed = composed(Map.of(), "docker/compose.yaml").path("services");

    assertThat(composed).hasSize(6);
    assertThat(composed.at("/coordinator/depends_on/postgres/condition").asText())
        .isEqualTo("service_healthy");
    assertThat(composed.at("/coordinator/depends_on/kafka/condition").asText())
        .isEqualTo("service_healthy");
    for (String worker : OURS.subList(1, OURS.size())) {
      assertThat(composed.path(worker).at("/depends_on/coordinator/condition").asText())
          .isEqualTo("service_healthy");
      assertThat(composed.path(worker).at("/environment/HETERMOE_WORKER_ID").asText())
          .isEqualTo(worker);
    }
    composed.forEach(
        service -> {
          assertThat(service.path("read_only").asBoolean()).isTrue();
          assertThat(service.at("/cap_drop/0").asText()).isEqualTo("ALL");
          assertThat(service.path("user").asText()).matches("[1-9][0-9]*:[1-9][0-9]*");
          assertThat(service.path("ports"))
              .allSatisfy(port -> assertThat(port.path("host_ip").asText()).isEqualTo("127.0.0.1"));
        });
    assertThat(composed.at("/coordinator/ports")).hasSize(1);
  }

  @Test
  void noSecretIsInTheFiles() throws Exception {
    JsonNode composed = composed(Map.of(), "docker/compose.yaml");

    assertThat(composed.at("/secrets/database-password/file").asText())
        .endsWith("docker/secrets/database-password");
    for (JsonNode service : composed.path("services")) {
      for (Map.Entry<String, JsonNode> entry : service.path("environment").properties()) {
        assertThat(entry.getKey().contains("PASSWORD") && !entry.getKey().endsWith("_FILE"))
            .as(entry.getKey())
            .isFalse();
      }
    }
  }

  @Test
  void workersHaveTheTimeThatTheirDepartureTakes() throws Exception {
    JsonNode composed = composed(Map.of(), "docker/compose.yaml").path("services");

    for (String worker : OURS.subList(1, OURS.size())) {
      assertThat(composed.path(worker).path("stop_grace_period").asText()).isEqualTo("1m30s");
      assertThat(composed.path(worker).at("/environment/HETERMOE_WORKER_DRAIN_TIMEOUT").asText())
          .isEqualTo("60S");
    }
  }

  @Test
  void eachWorkerGetsTheGpuThatIsNamedForIt() throws Exception {
    JsonNode composed =
        composed(
                Map.of(
                    "HETERMOE_ATTENTION_GPU", "GPU-new",
                    "HETERMOE_EXPERT_0_GPU", "1",
                    "HETERMOE_EXPERT_1_GPU", "2"),
                "docker/compose.yaml",
                "docker/compose.gpu.yaml")
            .path("services");

    assertThat(gpu(composed.path("attention-0"))).isEqualTo("GPU-new");
    assertThat(gpu(composed.path("expert-0"))).isEqualTo("1");
    assertThat(gpu(composed.path("expert-1"))).isEqualTo("2");
    assertThat(composed.at("/attention-0/image").asText()).endsWith("-cuda");
    assertThat(composed.at("/expert-1/environment/HETERMOE_WORKER_COMPUTE").asText())
        .isEqualTo("cuda");
    assertThat(composed.at("/expert-1/environment/HETERMOE_WORKER_ID").asText())
        .isEqualTo("expert-1");
    assertThat(composed.path("coordinator").has("deploy")).isFalse();
  }

  @Test
  void withoutItsGpuAWorkerIsRefused() throws Exception {
    Command.Result result =
        config(
            Map.of("HETERMOE_ATTENTION_GPU", "0"),
            "docker/compose.yaml",
            "docker/compose.gpu.yaml");

    assertThat(result.status()).isNotZero();
    assertThat(result.errors()).contains("HETERMOE_EXPERT_");
  }

  private static String gpu(JsonNode service) {
    return service.at("/deploy/resources/reservations/devices/0/device_ids/0").asText();
  }

  private static JsonNode composed(Map<String, String> environment, String... files)
      throws Exception {
    Command.Result result = config(environment, files);
    assertThat(result.status()).as(result.errors()).isZero();
    return Repository.documents("docker compose config", result.output()).getFirst();
  }

  private static Command.Result config(Map<String, String> environment, String... files)
      throws Exception {
    List<String> command = new ArrayList<>(List.of("docker", "compose"));
    for (String file : files) {
      command.addAll(List.of("--file", file));
    }
    command.add("config");
    return Command.run(environment, command);
  }
}
