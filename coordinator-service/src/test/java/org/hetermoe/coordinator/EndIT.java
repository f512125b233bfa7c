package org.hetermoe.coordinator;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.restassured.specification.RequestSpecification;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Event;
import org.hetermoe.testing.ServiceProcess;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The packaged coordinator, told to end while workers report: the next one misses nothing. */
@Timeout(600)
class EndIT {
  private static final int STEPS = 150;
  private static final int BEFORE = 30;
  private static final long PAUSE_MILLIS = 20;
  private static final Duration SECONDS = Duration.ofSeconds(10);

  /** A few seconds, and some for whatever else the machine does. */
  private static final Duration END = Duration.ofSeconds(20);

  private static final Duration START = Duration.ofMinutes(3);

  @TempDir private Path directory;

  private final RealParts parts = new RealParts();
  private Map<String, String> settings;

  @BeforeEach
  void startParts() {
    settings = new HashMap<>(parts.start());
    // These workers have no profiles and no links, and it would wait for them.
    settings.put("hetermoe.coordinator.planning.profile-patience", "0S");
  }

  @AfterEach
  void stopParts() {
    parts.stop();
  }

  @Test
  void losesNothingThatComesWhileItEnds() throws Exception {
    UUID id;
    try (WorkerDouble attention = worker(WorkerRank.Role.ATTENTION, "attention-0", 0);
        WorkerDouble expert = worker(WorkerRank.Role.EXPERT, "expert-0", 1)) {
      try (ServiceProcess first = coordinator()) {
        id = submit(first);
        attention.prepare(id, 1);
        expert.prepare(id, 1);
        awaitRun(first, id, "state", "running");

        // When it is told to end while steps come, and the run comes to its end meanwhile
        for (int step = 1; step <= STEPS; step++) {
          attention.step(id, 1, step, null);
          if (step == BEFORE) {
            first.terminate();
          }
          Thread.sleep(PAUSE_MILLIS);
        }
        attention.report(new Event.Finished(id, 1, attention.id(), STEPS, false));
        expert.report(new Event.Finished(id, 1, expert.id(), STEPS, false));

        // Then it ends within seconds
        first.awaitExit(END);
      }
      // And the next one stores what it has not
      try (ServiceProcess second = coordinator()) {
        awaitRun(second, id, "state", "completed");
        await()
            .atMost(SECONDS)
            .untilAsserted(
                () ->
                    assertThat(
                            to(second)
                                .get("/api/v1/runs/" + id + "/steps")
                                .jsonPath()
                                .getList("steps.step", Integer.class))
                        .containsExactlyElementsOf(
                            IntStream.rangeClosed(1, STEPS).boxed().toList()));
      }
    }
  }

  private WorkerDouble worker(WorkerRank.Role role, String id, int partition) {
    return new WorkerDouble(settings.get("kafka.bootstrap.servers"), role, id, partition);
  }

  private ServiceProcess coordinator() throws IOException, InterruptedException {
    ServiceProcess process =
        ServiceProcess.start(
            directory,
            settings.entrySet().stream()
                .map(setting -> setting.getKey() + "=" + setting.getValue())
                .toArray(String[]::new));
    try {
      process.awaitReady(START);
      return process;
    } catch (AssertionError | InterruptedException | IOException e) {
      process.close();
      throw e;
    }
  }

  private static RequestSpecification to(ServiceProcess coordinator) {
    return given().baseUri(coordinator.url());
  }

  private static UUID submit(ServiceProcess coordinator) {
    return UUID.fromString(
        to(coordinator)
            .contentType("application/yaml")
            .body("training: {steps: %d}".formatted(STEPS).getBytes(StandardCharsets.UTF_8))
            .post("/api/v1/runs")
            .path("id"));
  }

  private static void awaitRun(ServiceProcess coordinator, UUID id, String field, String expected) {
    await()
        .atMost(START)
        .untilAsserted(
            () -> {
              JsonNode run = ClusterCase.json(to(coordinator).get("/api/v1/runs/" + id));
              assertThat(run.path(field).asText()).as(run.toString()).isEqualTo(expected);
            });
  }
}
