package org.hetermoe.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import org.hetermoe.api.ClientSettings;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.compute.Devices;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class GracefulShutdownTest {
  private static final WorkerRank SELF = WorkerRank.expert(0);

  private final UUID instance = UUID.randomUUID();
  private final UUID run = UUID.randomUUID();
  private final RecordedReports reports = new RecordedReports();
  private final BlockingQueue<ScriptedTrainer> members = new LinkedBlockingQueue<>();
  private final FrameBuffers buffers = new FrameBuffers();
  private final CommandLoop commands = new CommandLoop(instance, "test-0", this::make, reports);
  private final List<String> requests = new CopyOnWriteArrayList<>();
  private HttpServer coordinator;
  private int status = 202;

  /** What the group does once the coordinator was asked. */
  private Runnable onStop = () -> members.element().mayFinish.countDown();

  @BeforeEach
  void startCoordinator() throws IOException {
    coordinator = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    coordinator.createContext(
        "/",
        exchange -> {
          requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
          onStop.run();
          byte[] body =
              ("{\"id\":\"" + run + "\",\"attempt\":1,\"steps\":9,\"steps_done\":5}")
                  .getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(status, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    coordinator.start();
  }

  @AfterEach
  void stopEverything() {
    members.forEach(member -> member.mayFinish.countDown());
    commands.close();
    coordinator.stop(0);
    buffers.close();
  }

  @Test
  void theRunIsStoppedAndDoneBeforeTheProcessEnds() throws InterruptedException {
    startTraining();

    shutdown(Duration.ofSeconds(20)).drain();

    assertThat(requests).containsExactly("POST /api/v1/runs/" + run + "/stop");
    assertThat(commands.current()).isEmpty();
    assertThat(reports.next()).isEqualTo(new Event.Finished(run, 1, "test-0", 5, false));
  }

  @Test
  void aRunThatDoesNotStopIsNotWaitedForForEver() throws InterruptedException {
    onStop = () -> {};
    startTraining();

    shutdown(Duration.ofMillis(300)).drain();

    assertThat(requests).hasSize(1);
    assertThat(commands.label()).isEqualTo("training");
  }

  @Test
  void withoutTimeOrWithoutRunNobodyIsAsked() throws InterruptedException {
    shutdown(Duration.ofSeconds(20)).drain();
    startTraining();
    shutdown(Duration.ZERO).drain();

    assertThat(requests).isEmpty();
  }

  @Test
  void aCoordinatorThatRefusesOrIsAwayHoldsNobodyUp() throws InterruptedException {
    onStop = () -> {};
    status = 500;
    startTraining();
    shutdown(Duration.ofSeconds(20)).drain();
    coordinator.stop(0);
    shutdown(Duration.ofSeconds(20)).drain();

    assertThat(requests).hasSize(1);
    assertThat(commands.label()).isEqualTo("training");
  }

  private GracefulShutdown shutdown(Duration timeout) {
    return new GracefulShutdown(
        commands,
        ClientSettings.of(URI.create("http://127.0.0.1:" + coordinator.getAddress().getPort())),
        timeout);
  }

  private void startTraining() throws InterruptedException {
    commands.handle(
        new Command.Prepare(instance, Assignments.of(run, 1, "memory", instance, SELF)));
    assertThat(reports.next()).isInstanceOf(Event.Prepared.class);
    commands.handle(new Command.Start(instance, run, 1));
    await().until(() -> commands.label().equals("training"));
  }

  private List<RankThread> make(
      Assignment assignment, List<WorkerRank> local, RankThread.Listener listener) {
    MemoryChannels channels =
        new MemoryChannels(
            new RunKey(assignment.run(), assignment.attempt()),
            List.of(SELF),
            buffers,
            new Refusals(),
            1 << 20);
    return List.of(
        new RankThread(
            SELF,
            channels.channel(SELF),
            () -> Devices.open("reference", 1),
            (_, channel) -> {
              ScriptedTrainer member =
                  new ScriptedTrainer(
                      channel,
                      ScriptedTrainer.NOTHING,
                      script -> {
                        script.mayFinish.await();
                        script.reach(5);
                      });
              members.add(member);
              return member;
            },
            "shutdown-test",
            listener));
  }
}
