package org.hetermoe.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.hetermoe.api.ClientSettings;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Json;
import org.hetermoe.run.WorkerProfile;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ProfileReporterTest {
  private static final String DEVICE = "slow thing";
  private static final String KNOWN =
      """
      {"profiles": [{"device": "slow thing", "software_version": "7",
                     "emulated": {"device": "V100", "time_scale": 1.0}, "at": "2026-01-01T00:00:00Z"}]}
      """;

  @TempDir Path directory;

  private final CommandLoop commands =
      new CommandLoop(UUID.randomUUID(), "expert-0", (_, _, _) -> List.of(), new RecordedReports());
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private final AtomicInteger refusals = new AtomicInteger();
  private HttpServer coordinator;

  @BeforeEach
  void startCoordinator() throws IOException {
    coordinator = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    coordinator.createContext(
        "/",
        exchange -> {
          requests.add(exchange.getRequestURI().getPath());
          byte[] body = KNOWN.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(refusals.getAndDecrement() > 0 ? 404 : 200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    coordinator.start();
  }

  @AfterEach
  void stopEverything() {
    coordinator.stop(0);
    commands.close();
  }

  @Test
  void aProfileThatTheBrokerLosesIsSentAgain() throws IOException {
    ScriptedEmitter broker = new ScriptedEmitter(2);
    try (ProfileReporter reporter = reporter(Optional.of("V100"), broker)) {
      reporter.start(DEVICE, List.of(DType.F32));

      await().atMost(Duration.ofSeconds(20)).until(() -> broker.sent().size() == 3);
      WorkerProfile last = Json.MAPPER.readValue(broker.sent().getLast(), WorkerProfile.class);
      assertThat(last.device()).isEqualTo(DEVICE);
      await().during(Duration.ofSeconds(2)).until(() -> broker.sent().size() == 3);
    }
  }

  @Test
  void aCoordinatorThatDoesNotSayWhetherItHasAProfileIsAskedAgain() {
    refusals.set(2);
    ScriptedEmitter broker = new ScriptedEmitter(0);
    try (ProfileReporter reporter = reporter(Optional.empty(), broker)) {
      reporter.start(DEVICE, List.of(DType.F32));

      await().atMost(Duration.ofSeconds(20)).until(() -> requests.size() == 3);
      await().during(Duration.ofSeconds(2)).until(() -> requests.size() == 3);
      assertThat(requests).containsOnly("/api/v1/profiles");
      assertThat(broker.sent()).isEmpty();
    }
  }

  private ProfileReporter reporter(Optional<String> emulated, ScriptedEmitter broker) {
    WorkerSettings settings = settings(emulated);
    return new ProfileReporter(
        settings,
        new WorkerIdentity("expert-0", UUID.randomUUID(), WorkerRank.Role.EXPERT, 0, "7"),
        commands,
        new MeasuringTurn(settings),
        ScriptedEmitter.reports(broker),
        ClientSettings.of(URI.create("http://127.0.0.1:" + coordinator.getAddress().getPort())));
  }

  private WorkerSettings settings(Optional<String> emulated) {
    Map<String, Object> answers =
        Map.of(
            "emulate",
            emulated,
            "emulateTimeScale",
            1.0,
            "compute",
            "reference",
            "threads",
            OptionalInt.of(1),
            "dataDirectory",
            directory);
    return (WorkerSettings)
        Proxy.newProxyInstance(
            WorkerSettings.class.getClassLoader(),
            new Class<?>[] {WorkerSettings.class},
            (_, method, _) -> answers.get(method.getName()));
  }
}
