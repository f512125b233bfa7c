package org.hetermoe.expert;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.allOf;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;

import java.nio.file.Path;
import java.time.Duration;
import org.hetermoe.run.Topics;
import org.hetermoe.testing.EmbeddedBroker;
import org.hetermoe.testing.ServiceProcess;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The packaged service behind a real broker: it starts as what it is, and refuses to otherwise. */
@Timeout(120)
class ExpertServiceIT {
  private static final Duration START = Duration.ofSeconds(60);

  @TempDir private static Path directory;

  private static EmbeddedBroker broker;
  private static ServiceProcess service;

  @BeforeAll
  static void start() throws Exception {
    broker = EmbeddedBroker.start(directory);
    broker.createTopics(Topics.CONTROL, 1);
    broker.createTopics(Topics.ACTIVATIONS, 3);
    service = service("expert-2");
    service.awaitReady(START);
  }

  @AfterAll
  static void stop() {
    if (service != null) {
      service.close();
    }
    if (broker != null) {
      broker.close();
    }
  }

  @Test
  void itIsAliveAndReady() {
    given().baseUri(service.url()).get("/q/health/live").then().statusCode(200);
    given()
        .baseUri(service.url())
        .get("/q/health/ready")
        .then()
        .statusCode(200)
        .body(containsString(Topics.EXPERT_ACTIVATIONS + "/2"));
  }

  @Test
  void itsStatusSaysWhatItIs() {
    given()
        .baseUri(service.url())
        .get("/api/v1/status")
        .then()
        .statusCode(200)
        .body("worker", equalTo("expert-2"))
        .body("role", equalTo("EXPERT"))
        .body("compute", startsWith("reference"))
        .body("partition", equalTo(2))
        .body("state", equalTo("idle"))
        .body("run", nullValue());
  }

  @Test
  void prometheusFindsItsMetrics() {
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
  void aConfigurationThatCannotBeUsedIsRefusedByName() throws Exception {
    try (ServiceProcess refused = service("expert-without-number")) {
      assertThat(refused.awaitExit(START)).isEqualTo(1);
      assertThat(refused.output())
          .contains("hetermoe.worker.partition: must be set")
          .contains("expert-without-number");
    }
  }

  private static ServiceProcess service(String id) throws Exception {
    return ServiceProcess.start(
        directory,
        "kafka.bootstrap.servers=" + broker.address(),
        "hetermoe.worker.id=" + id,
        "hetermoe.worker.compute=reference",
        "hetermoe.worker.threads=1");
  }
}
