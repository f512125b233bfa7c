package org.hetermoe.worker;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.Uuid;
import org.hetermoe.run.Topics;

/** A real broker in a process of its own, with the topics that the coordinator would create. */
public final class BrokerResource implements QuarkusTestResourceLifecycleManager {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private Path directory;
  private Process broker;

  @Override
  public Map<String, String> start() {
    try {
      directory = Files.createTempDirectory("hetermoe-broker");
      int port = freePort();
      Path configuration = configure(port, freePort());
      run(
          "kafka.tools.StorageTool",
          "format",
          "-t",
          Uuid.randomUuid().toString(),
          "-c",
          configuration.toString());
      broker = launch("kafka.Kafka", configuration.toString());
      Runtime.getRuntime().addShutdownHook(new Thread(broker::destroyForcibly));
      String servers = "127.0.0.1:" + port;
      createTopics(servers);
      TopicGate.await(servers, PATIENCE);
      return Map.of("kafka.bootstrap.servers", servers);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } catch (Exception e) {
      throw new IllegalStateException("the broker does not start; see " + directory, e);
    }
  }

  @Override
  public void stop() {
    if (broker != null) {
      broker.destroyForcibly();
    }
    try {
      Files.walkFileTree(directory, new Deletion());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path configure(int port, int controllerPort) throws IOException {
    return Files.writeString(
        directory.resolve("server.properties"),
        """
        process.roles=broker,controller
        node.id=1
        controller.quorum.voters=1@127.0.0.1:%2$d
        listeners=PLAINTEXT://127.0.0.1:%1$d,CONTROLLER://127.0.0.1:%2$d
        advertised.listeners=PLAINTEXT://127.0.0.1:%1$d
        controller.listener.names=CONTROLLER
        listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
        log.dirs=%3$s
        offsets.topic.replication.factor=1
        transaction.state.log.replication.factor=1
        transaction.state.log.min.isr=1
        auto.create.topics.enable=false
        message.max.bytes=8388608
        """
            .formatted(port, controllerPort, directory.resolve("log")));
  }

  private void createTopics(String servers) throws InterruptedException, ExecutionException {
    List<NewTopic> topics = new ArrayList<>();
    Topics.CONTROL.forEach(name -> topics.add(new NewTopic(name, 1, (short) 1)));
    // Few partitions: a broker on a busy machine takes a while for 128.
    Topics.ACTIVATIONS.forEach(name -> topics.add(new NewTopic(name, 4, (short) 1)));
    try (Admin admin =
        Admin.create(
            Map.of(
                "bootstrap.servers",
                servers,
                "request.timeout.ms",
                5_000,
                "default.api.timeout.ms",
                (int) PATIENCE.toMillis(),
                "reconnect.backoff.max.ms",
                200))) {
      admin.createTopics(topics).all().get();
    }
  }

  private void run(String main, String... arguments) throws IOException, InterruptedException {
    Process process = launch(main, arguments);
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS) || process.exitValue() != 0) {
      throw new IOException(main + " failed");
    }
  }

  private Process launch(String main, String... arguments) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                main));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve("output.log").toFile()))
        .start();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static final class Deletion extends SimpleFileVisitor<Path> {
    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Files.delete(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path folder, IOException problem) throws IOException {
      Files.delete(folder);
      return FileVisitResult.CONTINUE;
    }
  }
}
