package org.hetermoe.worker;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.direct.DirectSettings;
import org.hetermoe.channel.direct.DirectTransport;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.Json;
import org.hetermoe.run.LinkMeasurement;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.Topics;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A whole worker process behind a real broker; only the members are scripted. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
@Timeout(30)
class WorkerIT {
  @Inject WorkerIdentity identity;

  @ConfigProperty(name = "kafka.bootstrap.servers")
  String servers;

  private final UUID run = UUID.randomUUID();
  private TopicTap tap;

  @BeforeEach
  void listen() {
    ScriptedService.TRAINERS.clear();
    tap = new TopicTap(servers, Topics.EVENTS, Topics.HEARTBEATS, Topics.METRICS, Topics.LINKS);
    await().until(() -> heartbeat().worker().equals("expert-3") && heartbeat().run() == null);
  }

  @AfterEach
  void leave() throws IOException {
    tap.send(Topics.COMMANDS, json(new Command.Abort(identity.instance(), run, 1, "test is over")));
    tap.close();
  }

  @Test
  void heartbeatsSayWhoItIs() throws IOException {
    Heartbeat heartbeat = heartbeat();

    assertThat(heartbeat.instance()).isEqualTo(identity.instance());
    assertThat(heartbeat.role()).isEqualTo(WorkerRank.Role.EXPERT);
    assertThat(heartbeat.host()).isEqualTo("direct.example");
    assertThat(heartbeat.port()).isPositive();
    assertThat(heartbeat.partition()).isEqualTo(3);
    assertThat(heartbeat.compute()).startsWith("reference");
    assertThat(heartbeat.attempt()).isZero();
    given().when().get(heartbeat.httpUrl() + "/api/v1/status").then().statusCode(200);
  }

  @Test
  void aRunGoesFromPrepareToFinished() throws IOException {
    command(prepare());
    assertThat(event()).isEqualTo(new Event.Prepared(run, 1, "expert-3"));
    command(new Command.Start(identity.instance(), run, 1));

    StepMetrics metrics = tap.next(Topics.METRICS, StepMetrics.class);
    assertThat(metrics.run()).isEqualTo(run);
    assertThat(metrics.step()).isEqualTo(1);
    assertThat(tap.next(Topics.METRICS, StepMetrics.class).step()).isEqualTo(2);
    await().until(() -> run.equals(heartbeat().run()) && heartbeat().step() == 2);
    given()
        .when()
        .get("/api/v1/status")
        .then()
        .statusCode(200)
        .body("state", equalTo("training"))
        .body("run", equalTo(run.toString()))
        .body("step", equalTo(2));
    given()
        .when()
        .get("/q/metrics")
        .then()
        .body(containsString("hetermoe_step 2.0"))
        .body(containsString("hetermoe_busy_share{side=\"attention\"} 0.75"))
        .body(containsString("hetermoe_channel_bytes_total{direction=\"sent\"}"))
        .body(containsString("hetermoe_frames_refused_total{reason=\"other_run\"}"));
    ScriptedService.TRAINERS.forEach(member -> member.mayFinish.countDown());

    assertThat(event()).isEqualTo(new Event.Finished(run, 1, "expert-3", 2, false));
    given()
        .when()
        .get("/api/v1/status")
        .then()
        .body("state", equalTo("idle"))
        .body("run", nullValue());
  }

  @Test
  void anAbortMakesTheWorkerIdle() throws IOException {
    command(prepare());
    assertThat(event()).isInstanceOf(Event.Prepared.class);
    command(new Command.Start(identity.instance(), run, 1));
    await().until(() -> run.equals(heartbeat().run()) && heartbeat().step() == 2);

    command(new Command.Abort(identity.instance(), run, 1, "no longer wanted"));

    await().atMost(Duration.ofSeconds(5)).until(() -> heartbeat().run() == null);
  }

  @Test
  void recordsThatAreNoCommandsHoldNothingUp() throws IOException {
    tap.send(Topics.COMMANDS, "not json".getBytes(StandardCharsets.UTF_8));
    tap.send(Topics.COMMANDS, "null".getBytes(StandardCharsets.UTF_8));
    tap.send(Topics.COMMANDS, "[1, 2]".getBytes(StandardCharsets.UTF_8));
    tap.send(Topics.COMMANDS, null);
    tap.send(
        Topics.COMMANDS,
        ("{\"type\":\"explode\",\"instance\":\"" + identity.instance() + "\"}")
            .getBytes(StandardCharsets.UTF_8));
    tap.send(
        Topics.COMMANDS,
        ("{\"type\":\"start\",\"instance\":\"" + identity.instance() + "\",\"run\":7}")
            .getBytes(StandardCharsets.UTF_8));
    command(new Command.Start(UUID.randomUUID(), run, 1));

    command(prepare());

    assertThat(event()).isEqualTo(new Event.Prepared(run, 1, "expert-3"));
    given()
        .when()
        .get("/q/metrics")
        .then()
        .body(containsString("hetermoe_commands_refused_total 6.0"));
  }

  @Test
  void measuresTheLinkWithAWorkerThatAppears() throws IOException {
    try (FrameBuffers buffers = new FrameBuffers();
        DirectTransport other =
            new DirectTransport(DirectSettings.loopback(), buffers, new Refusals())) {
      tap.send(
          Topics.HEARTBEATS,
          Json.MAPPER.writeValueAsBytes(
              new Heartbeat(
                  "attention-7",
                  UUID.randomUUID(),
                  WorkerRank.Role.ATTENTION,
                  "127.0.0.1",
                  other.address().getPort(),
                  7,
                  "http://127.0.0.1:1",
                  "cpu",
                  List.of(DType.F32),
                  "test",
                  null,
                  0,
                  0)));

      LinkMeasurement out = tap.next(Topics.LINKS, LinkMeasurement.class);
      LinkMeasurement in = tap.next(Topics.LINKS, LinkMeasurement.class);
      assertThat(out.from()).isEqualTo("expert-3");
      assertThat(out.to()).isEqualTo("attention-7");
      assertThat(in.from()).isEqualTo("attention-7");
      assertThat(in.to()).isEqualTo("expert-3");
      assertThat(out.bytesPerSecond()).isPositive();
      assertThat(in.latencySeconds()).isPositive();
    }
  }

  @Test
  void itIsAliveAndReady() {
    given().when().get("/q/health/live").then().statusCode(200);
    given()
        .when()
        .get("/q/health/ready")
        .then()
        .statusCode(200)
        .body(containsString("hetermoe.activations.expert/3"));
  }

  private Command.Prepare prepare() {
    return new Command.Prepare(
        identity.instance(),
        Assignments.of(
            run, 1, "memory", identity.instance(), WorkerRank.attention(0), WorkerRank.expert(0)));
  }

  private void command(Command command) throws IOException {
    tap.send(Topics.COMMANDS, json(command));
  }

  private static byte[] json(Command command) throws IOException {
    return Json.MAPPER.writeValueAsBytes(command);
  }

  private Event event() throws IOException {
    while (true) {
      Event event = tap.next(Topics.EVENTS, Event.class);
      if (event.run().equals(run)) {
        return event;
      }
    }
  }

  private Heartbeat heartbeat() throws IOException {
    return tap.latest(Topics.HEARTBEATS, Heartbeat.class);
  }
}
