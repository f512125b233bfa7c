package org.hetermoe.cli.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Database and broker as real processes: up, killed, up again, down. */
class StackIT {
  @TempDir Path temporary;

  private DataDirectory data;

  @BeforeEach
  void choosesADirectoryWithASpace() {
    data = new DataDirectory(temporary.resolve("a stack"));
  }

  @AfterEach
  void leavesNothingRunning() throws InterruptedException {
    newStack().down();
  }

  @Test
  void losesNothingWhenItsProcessesAreKilled() throws Exception {
    // Given a stack with a row and a topic, left running
    Postmaster postmaster;
    ProcessRecord postgres;
    ProcessRecord kafka;
    try (Stack stack = newStack()) {
      stack.upStores();
      stack.keep();
      postgres = find(stack, "postgresql");
      kafka = find(stack, "kafka");
      execute(postgres.port(), "create table kept as select 42 as answer");
      createTopic(kafka.port(), "kept");
      postmaster = Postmaster.on(data.postgres()).orElseThrow();
    }
    assertThat(postgres.alive()).isTrue();
    assertThat(kafka.alive()).isTrue();

    // When both hosts are killed and the stack is brought up again
    kill(postgres);
    kill(kafka);
    try (Stack stack = newStack()) {
      stack.upStores();
      stack.keep();

      // Then the database server that was left alone is taken over, and nothing is lost
      assertThat(Postmaster.on(data.postgres())).contains(postmaster);
      assertThat(find(stack, "postgresql").pid()).isNotEqualTo(postgres.pid());
      assertThat(find(stack, "postgresql").port()).isEqualTo(postgres.port());
      assertThat(query(postgres.port(), "select answer from kept")).isEqualTo(42);
      assertThat(topics(find(stack, "kafka").port())).contains("kept");
    }

    // When everything is killed, and the server's process id is somebody else's by now
    for (ProcessRecord process : newStack().processes()) {
      kill(process);
    }
    ProcessHandle.of(postmaster.pid()).ifPresent(ProcessHandle::destroyForcibly);
    await().until(() -> !postmaster.isAlive());
    Path pidFile = data.postgres().resolve("postmaster.pid");
    List<String> lines = Files.readAllLines(pidFile);
    lines.set(0, Long.toString(ProcessHandle.current().pid()));
    Files.write(pidFile, lines);

    // Then it comes up with its data once more, and only with its password
    try (Stack stack = newStack()) {
      stack.upStores();
      int port = find(stack, "postgresql").port();
      assertThat(query(port, "select answer from kept")).isEqualTo(42);
      assertThatThrownBy(() -> connect(port, "wrong").close()).isInstanceOf(SQLException.class);
    }

    // And who started it last stops it, the server included
    assertThat(newStack().processes()).noneMatch(ProcessRecord::alive);
    assertThat(Postmaster.on(data.postgres())).isEmpty();
  }

  private static void kill(ProcessRecord process) throws InterruptedException {
    process.process().kill();
    assertThat(process.process().awaitEnd(Duration.ofSeconds(10))).isTrue();
  }

  private Stack newStack() {
    return new Stack(new Installation(Path.of("..")), data, line -> {});
  }

  private static ProcessRecord find(Stack stack, String name) {
    return stack.processes().stream()
        .filter(process -> process.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private Connection connect(int port, String password) throws SQLException {
    return DriverManager.getConnection(
        "jdbc:postgresql://127.0.0.1:" + port + "/" + PostgresHost.DATABASE,
        PostgresHost.USER,
        password);
  }

  private void execute(int port, String sql) throws SQLException {
    try (Connection connection = connect(port, data.password());
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private int query(int port, String sql) throws SQLException {
    try (Connection connection = connect(port, data.password());
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      assertThat(result.next()).isTrue();
      return result.getInt(1);
    }
  }

  private static void createTopic(int port, String topic) throws Exception {
    try (Admin admin = admin(port)) {
      admin
          .createTopics(List.of(new NewTopic(topic, 1, (short) 1)))
          .all()
          .get(20, TimeUnit.SECONDS);
    }
  }

  private static Set<String> topics(int port) throws Exception {
    try (Admin admin = admin(port)) {
      return admin.listTopics().names().get(20, TimeUnit.SECONDS);
    }
  }

  private static Admin admin(int port) {
    return Admin.create(Map.of("bootstrap.servers", "127.0.0.1:" + port));
  }
}
