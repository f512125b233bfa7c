package org.hetermoe.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.core.ConditionTimeoutException;
import org.awaitility.core.TerminalFailureException;
import org.hetermoe.cli.stack.DataDirectory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Attention and expert workers on hosts of their own, which reach each other by the addresses they
 * advertise and by nothing else: the hosts are network namespaces.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class SeparateHostsIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String CLI = "cli/target/hetermoe-cli.jar";
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final List<String> SIZES =
      List.of(
          "model.hidden=32",
          "model.layers=2",
          "model.head_dim=8",
          "model.expert_width=32",
          "data.sequence_length=24",
          "training.steps=40",
          "training.batch_sequences=3",
          "training.micro_batches=3",
          "training.evaluate_every=0",
          "training.evaluate_sequences=3",
          "training.checkpoint_every=0",
          "workers.experts=2");

  @TempDir Path work;

  private final Map<String, Process> processes = new LinkedHashMap<>();
  private NetworkNamespaces hosts;
  private String control;

  @BeforeEach
  void makeHosts() throws Exception {
    assumeTrue(
        NetworkNamespaces.possible(),
        "network namespaces need Linux, root and the ip command, and cannot be made here");
    for (String service : List.of("attention", "expert", "coordinator")) {
      assertThat(Repository.path(service + "-service/target/quarkus-app/quarkus-run.jar"))
          .as("build from the root, ./mvnw verify, so that services are packaged first")
          .exists();
    }
    hosts = new NetworkNamespaces();
    control = hosts.makeSwitch("control");
  }

  @AfterEach
  void stopEverything() throws Exception {
    for (String name : new ArrayList<>(processes.keySet()).reversed()) {
      stop(name);
    }
    if (hosts != null) {
      hosts.remove();
    }
  }

  @Test
  void workersFindEachOtherByTheirAddressesAlsoAfterOneHasChanged() throws Exception {
    // Given a host with database, broker and coordinator, and three with a worker each
    startStores();
    startCoordinator();
    startWorker("attention-0", hosts.makeHost("attention-0", "control"));
    startWorker("expert-0", hosts.makeHost("expert-0", "control"));
    String first = hosts.makeHost("expert-1", "control");
    startWorker("expert-1", first);
    for (String worker : List.of("attention-0", "expert-0", "expert-1")) {
      awaitHealthy(worker, port(worker));
    }

    // When they train, and when one process trains the same alone
    long before = hosts.bytesSent("expert-1");
    JsonNode apart = train();
    JsonNode alone = train("channel=memory");

    // Then activations went from host to host, and nobody could tell from the losses
    assertThat(apart.path("state").asText()).isEqualTo("completed");
    assertThat(apart.path("losses")).hasSize(40).isEqualTo(alone.path("losses"));
    assertThat(hosts.bytesSent("expert-1") - before).isGreaterThan(40 * 72 * 32 * 4);

    // When a worker comes back under its name at another address
    stop("expert-1");
    String second = hosts.move("expert-1");
    assertThat(second).isNotEqualTo(first);
    startWorker("expert-1", second);
    awaitHealthy("expert-1", port("expert-1"));

    // Then it is found there
    assertThat(train().path("losses")).isEqualTo(alone.path("losses"));
  }

  private void startStores() throws Exception {
    DataDirectory data = new DataDirectory(work.resolve("stores"));
    data.create();
    start(
        "postgresql",
        "control",
        Map.of(),
        "-Xmx256m",
        "-XX:+ExitOnOutOfMemoryError",
        "-cp",
        CLI,
        "org.hetermoe.cli.stack.PostgresHost",
        data.root().toString(),
        "5432");
    Path properties = work.resolve("server.properties");
    Files.writeString(
        properties,
        Repository.text("docker/kafka/server.properties")
            .replace(
                "advertised.listeners=PLAINTEXT://kafka",
                "advertised.listeners=PLAINTEXT://" + control)
            .replace("/var/lib/kafka/data", work.resolve("log").toString()));
    start(
        "kafka",
        "control",
        Map.of(),
        "-Xmx384m",
        "-XX:+ExitOnOutOfMemoryError",
        "-cp",
        CLI,
        "org.hetermoe.cli.stack.KafkaHost",
        data.root().toString(),
        properties.toString());
    for (String store : List.of("postgresql", "kafka")) {
      awaitOrDie(store, () -> Files.exists(data.root().resolve(store + ".ready")));
    }
  }

  private void startCoordinator() throws Exception {
    start(
        "coordinator",
        "control",
        Map.of(
            "QUARKUS_DATASOURCE_PASSWORD",
            Files.readString(work.resolve("stores/postgresql.password")).strip(),
            "QUARKUS_DATASOURCE_USERNAME",
            "postgres",
            "KAFKA_BOOTSTRAP_SERVERS",
            control + ":9092",
            "QUARKUS_HTTP_HOST",
            "0.0.0.0"),
        "-Xmx512m",
        "-XX:+ExitOnOutOfMemoryError",
        "-jar",
        "coordinator-service/target/quarkus-app/quarkus-run.jar");
    awaitHealthy("coordinator", 8080);
  }

  private void startWorker(String worker, String address) throws IOException {
    String role = worker.substring(0, worker.indexOf('-'));
    start(
        worker,
        worker,
        Map.of(
            "HETERMOE_WORKER_ID",
            worker,
            "HETERMOE_WORKER_THREADS",
            "1",
            "HETERMOE_WORKER_COORDINATOR_URL",
            "http://" + control + ":8080",
            "HETERMOE_WORKER_DATA_DIRECTORY",
            work.resolve(worker).toString(),
            "HETERMOE_WORKER_DIRECT_HOST",
            "0.0.0.0",
            "HETERMOE_WORKER_DIRECT_PORT",
            "7070",
            "HETERMOE_WORKER_DIRECT_ADVERTISED_HOST",
            address,
            "KAFKA_BOOTSTRAP_SERVERS",
            control + ":9092",
            "QUARKUS_HTTP_HOST",
            "0.0.0.0"),
        "--add-modules=jdk.incubator.vector",
        "-Xmx1g",
        "-XX:+ExitOnOutOfMemoryError",
        "-jar",
        role + "-service/target/quarkus-app/quarkus-run.jar");
  }

  /** The image's own health check and the paths of the manifests' probes. */
  private void awaitHealthy(String name, int port) {
    String host = name.equals("coordinator") ? "control" : name;
    awaitOrDie(
        name,
        () -> {
          for (String path : List.of("/q/health/ready", "/q/health/live", "/q/health/started")) {
            List<String> command = new ArrayList<>(hosts.on(host));
            command.addAll(List.of("docker/healthy", Integer.toString(port), path));
            if (Command.run(command.toArray(String[]::new)).status() != 0) {
              return false;
            }
          }
          return true;
        });
  }

  private void awaitOrDie(String name, Callable<Boolean> condition) {
    try {
      await(name)
          .atMost(PATIENCE)
          .failFast(() -> assertThat(processes.get(name).isAlive()).isTrue())
          .until(condition);
    } catch (ConditionTimeoutException | TerminalFailureException e) {
      throw new AssertionError("is not there: " + log(name), e);
    }
  }

  private JsonNode train(String... overrides) throws Exception {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "-Dhetermoe.home=" + Repository.HOME,
                "-jar",
                CLI,
                "train",
                "examples/quickstart.yaml",
                "--json",
                "--coordinator",
                "http://" + control + ":8080"));
    Stream.concat(SIZES.stream(), Arrays.stream(overrides))
        .forEach(override -> arguments.addAll(List.of("--set", override)));
    Process command =
        builder("train", "control", Map.of(), arguments)
            .redirectOutput(ProcessBuilder.Redirect.PIPE)
            .start();
    List<String> lines = new ArrayList<>();
    try (BufferedReader reader = command.inputReader()) {
      reader.lines().forEach(lines::add);
    }
    assertThat(command.waitFor())
        .as(() -> log("train") + log("attention-0") + log("expert-1"))
        .isZero();
    return JSON.readTree(lines.getLast());
  }

  private void start(String name, String host, Map<String, String> environment, String... arguments)
      throws IOException {
    processes.put(name, builder(name, host, environment, List.of(arguments)).start());
  }

  private ProcessBuilder builder(
      String name, String host, Map<String, String> environment, List<String> arguments) {
    List<String> command = new ArrayList<>(hosts.on(host));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-XX:+UseCompactObjectHeaders",
            "-XX:+UseSerialGC"));
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(Repository.HOME.toFile())
            .redirectErrorStream(!name.equals("train"))
            .redirectOutput(ProcessBuilder.Redirect.appendTo(logFile(name)));
    if (name.equals("train")) {
      builder.redirectError(ProcessBuilder.Redirect.appendTo(logFile(name)));
    }
    builder.environment().putAll(environment);
    return builder;
  }

  private void stop(String name) throws InterruptedException {
    Process process = processes.remove(name);
    process.destroy();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
    }
  }

  private File logFile(String name) {
    return work.resolve(name + ".log").toFile();
  }

  private String log(String name) {
    try {
      List<String> lines = Files.readAllLines(logFile(name).toPath());
      return name
          + ":\n"
          + String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size()))
          + "\n";
    } catch (IOException e) {
      return name + ": no log: " + e.getMessage() + "\n";
    }
  }

  private static int port(String worker) {
    return worker.startsWith("attention") ? 8081 : 8082;
  }
}
