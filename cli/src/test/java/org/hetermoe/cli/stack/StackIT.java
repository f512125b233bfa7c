package org.hetermoe.cli.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
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
  void keepsDataAndServerWhenTheHostsAreKilled() throws Exception {
    // Given a stack with a row and a topic, left running
    long postmaster;
    ProcessRecord postgres;
    ProcessRecord kafka;
    try (Stack stack = newStack()) {
      stack.upStores();
      stack.keep();
      postgres = find(stack, "postgresql");
      kafka = find(stack, "kafka");
      execute(postgres.port(), "create table kept as select 42 as answer");
      createTopic(kafka.port(), "kept");
      postmaster = Postmaster.on(data.postgres()).orElseThrow().pid();
    }
    assertThat(postgres.alive()).isTrue();

    // When both hosts are killed and the stack is brought up again
    postgres.process().kill();
    kafka.process().kill();
    assertThat(postgres.process().awaitEnd(java.time.Duration.ofSeconds(5))).isTrue();
    try (Stack stack = newStack()) {
      stack.upStores();

      // Then the database server that was left alone is taken over, and nothing is lost
      assertThat(Postmaster.on(data.postgres()).orElseThrow().pid()).isEqualTo(postmaster);
      assertThat(find(stack, "postgresql").pid()).isNotEqualTo(postgres.pid());
      assertThat(find(stack, "postgresql").port()).isEqualTo(postgres.port());
      assertThat(query(postgres.port(), "select answer from kept")).isEqualTo(42);
      assertThat(topics(find(stack, "kafka").port())).contains("kept");
    }

    // And who started it last stops it, the server included
    assertThat(newStack().processes()).noneMatch(ProcessRecord::alive);
    assertThat(Postmaster.on(data.postgres())).isEmpty();
  }

  @Test
  void startsAgainAfterEverythingWasKilled() throws Exception {
    // Given a stack with a row
    try (Stack stack = newStack()) {
      stack.upStores();
      stack.keep();
      execute(find(stack, "postgresql").port(), "create table kept as select 42 as answer");

      // When host, server and broker are killed, and the server's process id is another's by now
      Postmaster postmaster = Postmaster.on(data.postgres()).orElseThrow();
      stack.processes().forEach(process -> process.process().kill());
      ProcessHandle.of(postmaster.pid()).ifPresent(ProcessHandle::destroyForcibly);
      while (postmaster.isAlive()) {
        Thread.sleep(20);
      }
      Path pidFile = data.postgres().resolve("postmaster.pid");
      List<String> lines = Files.readAllLines(pidFile);
      lines.set(0, Long.toString(ProcessHandle.current().pid()));
      Files.write(pidFile, lines);
    }

    // Then it comes up again with its data, and only with its password
    try (Stack stack = newStack()) {
      stack.upStores();
      int port = find(stack, "postgresql").port();
      assertThat(query(port, "select answer from kept")).isEqualTo(42);
      assertThatThrownBy(() -> connect(port, "wrong").close()).isInstanceOf(SQLException.class);
    }
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
