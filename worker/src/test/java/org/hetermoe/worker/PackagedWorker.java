package org.hetermoe.worker;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Topics;
import org.hetermoe.testing.EmbeddedBroker;
import org.hetermoe.testing.ServiceProcess;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The packaged service of a role behind a real broker: it starts as what it is, and refuses to
 * otherwise. The module that packages it extends this.
 */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class PackagedWorker {
  private static final Duration START = Duration.ofSeconds(60);

  private final WorkerRank.Role role;
  private final String activations;

  private Path directory;
  private EmbeddedBroker broker;
  private ServiceProcess service;

  /**
   * The service of a role.
   *
   * @param activations the topic that it reads activations from
   */
  protected PackagedWorker(WorkerRank.Role role, String activations) {
    this.role = role;
    this.activations = activations;
  }

  @BeforeAll
  final void start(@TempDir Path temporary) throws Exception {
    directory = temporary;
    broker = EmbeddedBroker.start(directory);
    broker.createTopics(Topics.CONTROL, 1);
    broker.createTopics(Topics.ACTIVATIONS, 3);
    service = service(name() + "-2");
    service.awaitReady(START);
  }

  @AfterAll
  final void stop() {
    if (service != null) {
      service.close();
    }
    if (broker != null) {
      broker.close();
    }
  }

  @Test
  final void itIsAliveAndReady() {
    given().baseUri(service.url()).get("/q/health/live").then().statusCode(200);
    given()
        .baseUri(service.url())
        .get("/q/health/ready")
        .then()
        .statusCode(200)
        .body(containsString(activations + "/2"));
  }

  @Test
  final void itsStatusSaysWhatItIs() {
    given()
        .baseUri(service.url())
        .get("/api/v1/status")
        .then()
        .statusCode(200)
        .body("worker", equalTo(name() + "-2"))
        .body("role", equalTo(role.name()))
        .body("compute", startsWith("reference"))
        .body("partition", equalTo(2))
        .body("state", equalTo("idle"))
        .body("run", nullValue());
  }

  @Test
  final void prometheusFindsItsMetrics() {
    given()
        .baseUri(service.url())
        .get("/q/metrics")
        .then()
        .statusCode(200)
        .body(
            allOf(
                containsString("hetermoe_step 0.0"),
                containsString("hetermoe_channel_bytes_total{direction=\"sent\"}"),
                containsString("hetermoe_commands_refused_total 0.0")));
  }

  @Test
  final void aConfigurationThatCannotBeUsedIsRefusedByName() throws Exception {
    try (ServiceProcess refused = service(name() + "-without-number")) {
      assertThat(refused.awaitExit(START)).isEqualTo(1);
      assertThat(refused.output())
          .contains("hetermoe.worker.partition: must be set")
          .contains(name() + "-without-number");
    }
  }

  private String name() {
    return role.name().toLowerCase(Locale.ROOT);
  }

  private ServiceProcess service(String id) throws Exception {
    return ServiceProcess.start(
        directory,
        "kafka.bootstrap.servers=" + broker.address(),
        "hetermoe.worker.id=" + id,
        "hetermoe.worker.compute=reference",
        "hetermoe.worker.threads=1");
  }
}
