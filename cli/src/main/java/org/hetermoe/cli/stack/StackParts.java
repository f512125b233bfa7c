package org.hetermoe.cli.stack;

import java.io.IOException;
import java.io.Writer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.hetermoe.group.WorkerRank;

/** The recipes: how each process of the stack is started and when it is ready. */
final class StackParts {
  private static final String LOOPBACK = "127.0.0.1";

  private final Installation installation;
  private final DataDirectory data;
  private final LoopbackPorts ports = new LoopbackPorts();
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

  StackParts(Installation installation, DataDirectory data) {
    this.installation = installation;
    this.data = data;
  }

  /** The database; a server that has lost its host keeps its port. */
  ChildSpec postgres(Optional<ProcessRecord> last) {
    int port =
        Postmaster.on(data.postgres())
            .map(Postmaster::port)
            .orElseGet(() -> port("postgresql", last));
    data.password();
    new ReadyFile(data.ready("postgresql")).delete();
    return new ChildSpec(
        "postgresql",
        installation.hostCommand(
            PostgresHost.class, "256m", List.of(data.root().toString(), Integer.toString(port))),
        Map.of(),
        data.log("postgresql"),
        port,
        0,
        "");
  }

  /** The broker, which is its own controller. */
  ChildSpec kafka(Optional<ProcessRecord> last) {
    int port = port("kafka", last);
    int controller = secondPort("kafka", last);
    Path file = data.kafka().resolve("server.properties");
    write(kafkaProperties(port, controller), file);
    new ReadyFile(data.ready("kafka")).delete();
    return new ChildSpec(
        "kafka",
        installation.hostCommand(
            KafkaHost.class, "384m", List.of(data.root().toString(), file.toString())),
        Map.of(),
        data.log("kafka"),
        port,
        controller,
        "");
  }

  private Properties kafkaProperties(int port, int controller) {
    Properties properties = new Properties();
    properties.putAll(
        Map.of(
            "process.roles", "broker,controller",
            "node.id", "1",
            "controller.quorum.voters", "1@" + LOOPBACK + ":" + controller,
            "controller.listener.names", "CONTROLLER",
            "listeners",
                "PLAINTEXT://"
                    + LOOPBACK
                    + ":"
                    + port
                    + ",CONTROLLER://"
                    + LOOPBACK
                    + ":"
                    + controller,
            "advertised.listeners", "PLAINTEXT://" + LOOPBACK + ":" + port,
            "log.dirs", data.kafka().resolve("log").toString(),
            // One broker keeps one copy.
            "default.replication.factor", "1",
            "offsets.topic.replication.factor", "1",
            "transaction.state.log.replication.factor", "1"));
    properties.putAll(
        Map.of(
            "transaction.state.log.min.isr", "1",
            "share.coordinator.state.topic.replication.factor", "1",
            "share.coordinator.state.topic.min.isr", "1",
            "offsets.topic.num.partitions", "1",
            "group.initial.rebalance.delay.ms", "0",
            // The coordinator creates the topics, with the partitions they need.
            "auto.create.topics.enable", "false",
            "message.max.bytes", Integer.toString(8 << 20),
            // Back sooner after a kill: the controller fences the dead broker earlier.
            "broker.session.timeout.ms", "3000",
            "broker.heartbeat.interval.ms", "500"));
    // Activations would fill a disk in minutes: keep little, and look often.
    properties.putAll(
        Map.of(
            "log.segment.bytes",
            Integer.toString(128 << 20),
            "log.retention.bytes",
            Integer.toString(512 << 20),
            "log.retention.check.interval.ms",
            "5000",
            "log.segment.delete.delay.ms",
            "1000"));
    return properties;
  }

  ChildSpec coordinator(Optional<ProcessRecord> last, int postgresPort, int kafkaPort) {
    int port = port("coordinator", last);
    List<String> options = new ArrayList<>(serviceOptions(port, kafkaPort));
    // It is never on the hot path, so an early start is worth more than the fastest code.
    options.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"));
    options.add(
        "-Dquarkus.datasource.jdbc.url=jdbc:postgresql://"
            + LOOPBACK
            + ":"
            + postgresPort
            + "/"
            + PostgresHost.DATABASE);
    options.add("-Dquarkus.datasource.username=" + PostgresHost.USER);
    options.add("-Dhetermoe.coordinator.shared-filesystem=true");
    return service(
        "coordinator",
        "coordinator-service",
        "512m",
        options,
        // In the environment, since everybody on the machine can see arguments.
        Map.of("QUARKUS_DATASOURCE_PASSWORD", data.password()),
        port,
        0);
  }

  ChildSpec worker(
      WorkerRank peer,
      Optional<ProcessRecord> last,
      int kafkaPort,
      int coordinatorPort,
      WorkerServices workers) {
    int port = port(peer.toString(), last);
    int direct = secondPort(peer.toString(), last);
    List<String> options = new ArrayList<>(serviceOptions(port, kafkaPort));
    options.add("-Dhetermoe.worker.id=" + peer);
    options.add("-Dhetermoe.worker.partition=" + peer.rank());
    options.add("-Dhetermoe.worker.compute=" + workers.device(peer));
    options.add("-Dhetermoe.worker.threads=" + workers.threads());
    options.add("-Dhetermoe.worker.coordinator-url=http://" + LOOPBACK + ":" + coordinatorPort);
    options.add("-Dhetermoe.worker.data-directory=" + data.tokens());
    options.add("-Dhetermoe.worker.direct.host=" + LOOPBACK);
    options.add("-Dhetermoe.worker.direct.port=" + direct);
    String name = peer.toString();
    return service(name, workerModule(name), "1g", options, Map.of(), port, direct);
  }

  /** The port that a process had before, where it is free, so that others find it there. */
  private int port(String name, Optional<ProcessRecord> last) {
    return ports.free(name, last.map(ProcessRecord::port).orElse(0));
  }

  private int secondPort(String name, Optional<ProcessRecord> last) {
    return ports.free(name + " second", last.map(ProcessRecord::secondPort).orElse(0));
  }

  private static List<String> serviceOptions(int port, int kafkaPort) {
    return List.of(
        "-Dquarkus.http.host=" + LOOPBACK,
        "-Dquarkus.http.port=" + port,
        "-Dkafka.bootstrap.servers=" + LOOPBACK + ":" + kafkaPort);
  }

  private ChildSpec service(
      String name,
      String module,
      String heap,
      List<String> options,
      Map<String, String> environment,
      int port,
      int secondPort) {
    return new ChildSpec(
        name,
        installation.serviceCommand(module, heap, options),
        environment,
        data.log(name),
        port,
        secondPort,
        installation.build(module));
  }

  /** Which build of a process is installed; empty for database and broker. */
  String build(String name) {
    return switch (name) {
      case "postgresql", "kafka" -> "";
      case "coordinator" -> installation.build("coordinator-service");
      default -> installation.build(workerModule(name));
    };
  }

  /** Whether a process that runs does its service. */
  boolean ready(ProcessRecord process) {
    return switch (process.name()) {
      case "postgresql", "kafka" ->
          new ReadyFile(data.ready(process.name())).names(process.pid())
              && LoopbackPorts.answers(process.port());
      default -> healthy(process.port());
    };
  }

  private static String workerModule(String name) {
    return name.substring(0, name.indexOf('-')) + "-service";
  }

  private boolean healthy(int port) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://" + LOOPBACK + ":" + port + "/q/health/ready"))
            .timeout(Duration.ofSeconds(5))
            .build();
    try {
      return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false; // the question is whether it works
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static void write(Properties properties, Path file) {
    try (Writer writer = Files.newBufferedWriter(file)) {
      properties.store(writer, null);
    } catch (IOException e) {
      throw new StackException("cannot write " + file + ": " + e, e);
    }
  }
}
