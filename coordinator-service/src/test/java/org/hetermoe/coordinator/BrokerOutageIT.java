package org.hetermoe.coordinator;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.restassured.response.Response;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.hetermoe.testing.ServiceProcess;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The packaged coordinator while its broker is away: it answers, and says so. */
@Timeout(600)
class BrokerOutageIT {
  @TempDir private Path directory;

  @Test
  void staysReadyAndAliveAndTellsThatTheBrokerIsAway() throws IOException, InterruptedException {
    RealParts parts = new RealParts();
    try (ServiceProcess coordinator =
        ServiceProcess.start(
            directory,
            parts.start().entrySet().stream()
                .map(setting -> setting.getKey() + "=" + setting.getValue())
                .toArray(String[]::new))) {
      coordinator.awaitReady(Duration.ofMinutes(3));
      assertThat(status(coordinator, "/q/health/ready")).isEqualTo(200);

      parts.stopBroker();

      await()
          .atMost(Duration.ofMinutes(1))
          .untilAsserted(
              () -> {
                Response ready = given().baseUri(coordinator.url()).get("/q/health/ready");
                assertThat(ready.statusCode()).as(ready.asString()).isEqualTo(200);
                assertThat(broker(ready)).isEqualTo("away");
              });
      assertThat(status(coordinator, "/q/health/live")).isEqualTo(200);
      assertThat(status(coordinator, "/api/v1/runs")).isEqualTo(200);
    } finally {
      parts.stop();
    }
  }

  private static int status(ServiceProcess coordinator, String path) {
    return given().baseUri(coordinator.url()).get(path).statusCode();
  }

  /** What health says of the broker, as a detail of a check that is up. */
  private static String broker(Response ready) {
    for (JsonNode check : ClusterCase.json(ready).path("checks")) {
      if (check.path("name").asText().equals("broker")) {
        assertThat(check.path("status").asText()).isEqualTo("UP");
        return check.path("data").path("kafka").asText();
      }
    }
    throw new AssertionError("no check of the broker in " + ready.asString());
  }
}
