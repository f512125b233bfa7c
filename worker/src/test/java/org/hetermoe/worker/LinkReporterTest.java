package org.hetermoe.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.hetermoe.channel.direct.MeasuredLink;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.Json;
import org.hetermoe.run.LinkMeasurement;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class LinkReporterTest {
  private static final MeasuredLink LINK = new MeasuredLink(1e-4, 2e9, 3e9);
  private static final Duration PAUSE = Duration.ofMillis(2);

  private final List<LinkMeasurement> reported = new CopyOnWriteArrayList<>();
  private final List<InetSocketAddress> asked = new CopyOnWriteArrayList<>();
  private final Map<Integer, String> broken = new ConcurrentHashMap<>();
  private final AtomicInteger refusals = new AtomicInteger();
  private final AtomicBoolean busy = new AtomicBoolean();
  private final LinkReporter reporter =
      new LinkReporter("expert-1", this::probe, busy::get, this::report, PAUSE);

  private Optional<MeasuredLink> probe(InetSocketAddress peer) throws IOException {
    asked.add(peer);
    if (broken.containsKey(peer.getPort())) {
      throw new IOException(broken.get(peer.getPort()));
    }
    return refusals.getAndDecrement() > 0 ? Optional.empty() : Optional.of(LINK);
  }

  private CompletionStage<Void> report(LinkMeasurement link) {
    reported.add(link);
    return CompletableFuture.completedFuture(null);
  }

  @AfterEach
  void close() {
    reporter.close();
  }

  @Test
  void measuresThoseThatAreThereAndThoseThatComeLaterOnceEach() {
    Heartbeat attention = worker("attention-0", 1);
    reporter.heard(attention);
    reporter.heard(worker("expert-1", 9));
    reporter.heard(worker("expert-2", 8));
    reporter.start();
    await().until(() -> reported.size() == 2);
    assertThat(reported.get(0))
        .isEqualTo(new LinkMeasurement("expert-1", "attention-0", 2e9, 1e-4, reported.get(0).at()));
    assertThat(reported.get(1))
        .isEqualTo(new LinkMeasurement("attention-0", "expert-1", 3e9, 1e-4, reported.get(1).at()));

    reporter.heard(attention);
    reporter.heard(worker("expert-0", 2));
    await().until(() -> reported.size() == 4);
    assertThat(reported.get(2).to()).isEqualTo("expert-0");

    // And another process of one of them, which may be elsewhere
    reporter.heard(worker("attention-0", 3));
    await().until(() -> reported.size() == 6);
    await().during(Duration.ofMillis(100)).until(() -> asked.size() == 3);
    assertThat(asked).extracting(InetSocketAddress::getPort).containsExactly(1, 2, 3);
  }

  @Test
  void whatTheBrokerLosesIsSentAgainAndNotMeasuredAgain() throws IOException {
    ScriptedEmitter broker = new ScriptedEmitter(3);
    try (LinkReporter losing =
        new LinkReporter(
            "expert-1", this::probe, busy::get, ScriptedEmitter.reports(broker)::link, PAUSE)) {
      losing.heard(worker("attention-0", 1));
      losing.start();

      await().until(() -> broker.sent().size() == 5);
      await().during(Duration.ofMillis(100)).until(() -> broker.sent().size() == 5);
      assertThat(asked).hasSize(1);
      List<String> to = new ArrayList<>();
      for (byte[] message : broker.sent().subList(3, 5)) {
        to.add(Json.MAPPER.readValue(message, LinkMeasurement.class).to());
      }
      assertThat(to).containsExactlyInAnyOrder("attention-0", "expert-1");
    }
  }

  @Test
  void waitsWhileOneOfThemServesARun() {
    busy.set(true);
    reporter.heard(worker("attention-0", 1));
    Heartbeat idle = worker("expert-0", 2);
    reporter.heard(working(idle));
    reporter.start();
    await().during(Duration.ofMillis(100)).until(asked::isEmpty);

    busy.set(false);
    await().until(() -> reported.size() == 2);
    await().during(Duration.ofMillis(100)).until(() -> asked.size() == 1);
    assertThat(reported.getFirst().to()).isEqualTo("attention-0");

    // That it turns out to be busy is no failure, however often
    refusals.set(3 * LinkReporter.ATTEMPTS);
    reporter.heard(idle);
    await().until(() -> reported.size() == 4);
    assertThat(asked).hasSize(1 + 3 * LinkReporter.ATTEMPTS + 1);
  }

  @Test
  void givesUpWhereItFailsAndGoesOnWithTheOthers() {
    broken.put(1, "no such peer");
    reporter.heard(worker("attention-0", 1));
    reporter.start();
    reporter.heard(worker("attention-1", 2));
    await().until(() -> reported.size() == 2);
    await().until(() -> asked.size() == 1 + LinkReporter.ATTEMPTS);
    await().during(Duration.ofMillis(200)).until(() -> asked.size() == 1 + LinkReporter.ATTEMPTS);

    // Another process of it may do better
    reporter.heard(worker("attention-0", 3));
    await().until(() -> reported.size() == 4);
  }

  private static Heartbeat worker(String id, int port) {
    return heartbeat(id, UUID.randomUUID(), port, null);
  }

  private static Heartbeat working(Heartbeat idle) {
    return heartbeat(idle.worker(), idle.instance(), idle.port(), UUID.randomUUID());
  }

  private static Heartbeat heartbeat(String id, UUID instance, int port, UUID run) {
    return new Heartbeat(
        id,
        instance,
        WorkerRank.Role.EXPERT,
        "h",
        port,
        0,
        "http://h",
        "cpu",
        List.of(DType.F32),
        "1",
        run,
        0,
        0);
  }
}
