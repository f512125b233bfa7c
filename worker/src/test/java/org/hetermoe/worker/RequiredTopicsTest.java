package org.hetermoe.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.hetermoe.run.Topics;
import org.hetermoe.testing.EmbeddedBroker;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process of its own waits, whose names come from a file that the test writes. */
@Timeout(300)
class RequiredTopicsTest {
  private static final String NAME = "broker.example";

  /** A JVM and a broker's client take long to start on a machine that has much to do. */
  private static final Duration START = Duration.ofSeconds(60);

  @TempDir Path directory;

  private Process waiting;

  /** What the process does: it ends once the topics are there. */
  static final class Waiter {
    private Waiter() {}

    public static void main(String[] arguments) throws Exception {
      RequiredTopics.await(arguments[0]);
    }
  }

  @AfterEach
  void end() throws InterruptedException {
    waiting.destroyForcibly().waitFor();
  }

  @Test
  void aBrokerWhoseNameIsNotKnownYetIsWaitedForAndSoAreItsTopics() throws Exception {
    Path hosts = Files.writeString(directory.resolve("hosts"), "127.0.0.1 localhost\n");
    try (EmbeddedBroker broker = EmbeddedBroker.start(directory)) {
      String port = broker.address().substring(broker.address().indexOf(':') + 1);
      begin(NAME + ":" + port, hosts);
      await().atMost(START).until(() -> output().contains(NAME));
      assertThat(waiting.waitFor(3, TimeUnit.SECONDS)).as(output()).isFalse();

      Files.writeString(hosts, "127.0.0.1 localhost\n127.0.0.1 " + NAME + "\n");
      await().atMost(START).until(() -> output().contains("which the coordinator creates"));
      assertThat(waiting.isAlive()).as(output()).isTrue();

      broker.createTopics(Topics.CONTROL, 1);
      broker.createTopics(Topics.ACTIVATIONS, 1);
      assertThat(waiting.waitFor(START.toSeconds(), TimeUnit.SECONDS)).as(output()).isTrue();
      assertThat(waiting.exitValue()).as(output()).isZero();
    }
  }

  @Test
  void aBrokerThatDoesNotAnswerIsSaidToBeWaitedFor() throws Exception {
    String nobody = "127.0.0.1:" + unusedPort();
    begin(nobody, Files.writeString(directory.resolve("hosts"), "127.0.0.1 localhost\n"));
    await().atMost(START).until(() -> output().contains("no broker answers at " + nobody));
    assertThat(waiting.isAlive()).as(output()).isTrue();
  }

  @Test
  void anAddressThatIsNoneIsAnErrorAtOnce() throws Exception {
    begin("broker:port", Files.writeString(directory.resolve("hosts"), "127.0.0.1 localhost\n"));
    assertThat(waiting.waitFor(START.toSeconds(), TimeUnit.SECONDS)).as(output()).isTrue();
    assertThat(waiting.exitValue()).isNotZero();
    assertThat(output()).contains("broker:port");
  }

  private void begin(String servers, Path hosts) throws IOException {
    waiting =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Djdk.net.hosts.file=" + hosts,
                "-Dsun.net.inetaddr.negative.ttl=0",
                "-cp",
                System.getProperty("java.class.path"),
                Waiter.class.getName(),
                servers)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("output").toFile())
            .start();
  }

  private String output() throws IOException {
    return Files.readString(directory.resolve("output"));
  }

  private static int unusedPort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
