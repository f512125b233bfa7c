package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.Json;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.run.Recompute;
import org.hetermoe.run.RunPlan;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.schedule.ScheduleKind;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What earlier versions stored can still be read: each test is one migration, from one to the next.
 */
class MigrationIT {
  private static final UUID RUN = UUID.fromString("00000000-0000-4000-8000-000000000001");
  private static final UUID INSTANCE = UUID.fromString("00000000-0000-4000-8000-000000000002");
  private static final Placement PLACEMENT = Placement.ofCounts(2, List.of(2, 1));

  private static EmbeddedPostgres server;
  private static int databases;

  private String name;
  private Connection database;

  @BeforeAll
  static void start() throws IOException {
    server = EmbeddedPostgres.builder().setServerConfig("fsync", "off").start();
  }

  @AfterAll
  static void stop() throws IOException {
    server.close();
  }

  @BeforeEach
  void createDatabase() throws SQLException {
    name = "migration_" + databases++;
    try (Connection any = server.getPostgresDatabase().getConnection();
        Statement statement = any.createStatement()) {
      statement.executeUpdate("create database " + name);
    }
    database = server.getDatabase("postgres", name).getConnection();
  }

  @AfterEach
  void disconnect() throws SQLException {
    database.close();
  }

  /** V2: runs of the first version had neither planning nor emulation nor a choice of schedule. */
  @Test
  void saysWhatRunsOfTheFirstVersionDidWithoutSayingIt() throws IOException, SQLException {
    migrate("1");
    ObjectNode spec = Json.MAPPER.valueToTree(RunSpecReader.defaults());
    spec.remove(List.of("planning", "emulation"));
    ((ObjectNode) spec.get("training")).remove("schedule");
    addRun(spec);

    migrate("2");

    RunSpec read = Json.MAPPER.readValue(text("select spec from run"), RunSpec.class);
    assertThat(read.training().schedule()).isEqualTo(ScheduleKind.ZEBRA);
    assertThat(read.planning().planner()).isEqualTo(PlannerKind.NONE);
    assertThat(read.planning().rebalance()).isFalse();
    assertThat(read.emulation().device(WorkerRank.Role.EXPERT)).isEmpty();
    assertThat(read.model()).isEqualTo(RunSpecReader.defaults().model());
  }

  /** V2: owners of experts were ranks of expert workers; now they are named. */
  @Test
  void namesTheOwnersOfExperts() throws IOException, SQLException {
    migrate("1");
    addRun(Json.MAPPER.valueToTree(RunSpecReader.defaults()));
    update("insert into assignment values ('%s', 1, now(), 0, '[[0, 0, 1], [1, 0, 0]]')", RUN);
    update("insert into placement_count values ('%s', 1, 0, 0, 2)", RUN);

    migrate("2");

    assertThat(
            Json.MAPPER
                .readValue(text("select placement from assignment"), Placement.class)
                .owners())
        .isEqualTo(
            List.of(
                List.of(WorkerRank.expert(0), WorkerRank.expert(0), WorkerRank.expert(1)),
                List.of(WorkerRank.expert(1), WorkerRank.expert(0), WorkerRank.expert(0))));
    assertThat(text("select role from placement_count")).isEqualTo("EXPERT");
    // And workers of both roles may have the same rank.
    update("insert into placement_count values ('%s', 1, 0, 0, 2, 'ATTENTION')", RUN);
    assertThatThrownBy(
            () -> update("insert into placement_count values ('%s', 1, 0, 0, 2, 'EXPERT')", RUN))
        .hasMessageContaining("placement_count_pkey");
  }

  /** V5: runs of before computed in single precision, and say so in stored commands as well. */
  @Test
  void saysInWhichPrecisionRunsWereTrained() throws IOException, SQLException {
    RunSpec defaults = RunSpecReader.defaults();
    Command prepare =
        new Command.Prepare(INSTANCE, new Assignment(RUN, 3, defaults, PLACEMENT, List.of(), 20));
    ObjectNode command =
        (ObjectNode)
            Json.MAPPER.readTree(Json.MAPPER.writerFor(Command.class).writeValueAsString(prepare));
    ObjectNode inCommand = (ObjectNode) command.at("/assignment/spec");
    ObjectNode spec = Json.MAPPER.valueToTree(defaults);
    for (ObjectNode old : List.of(inCommand, spec)) {
      old.remove("precision");
      ((ObjectNode) old.get("training")).remove(List.of("recompute", "loss_scale"));
    }
    migrate("4");
    addRun(spec);
    update(
        "insert into command_outbox (instance, command, created_at) values ('%s', '%s', now())",
        INSTANCE, command);

    migrate("5");

    assertThat(Json.MAPPER.readValue(text("select spec from run"), RunSpec.class))
        .isEqualTo(defaults);
    assertThat(Json.MAPPER.readValue(text("select command from command_outbox"), Command.class))
        .isEqualTo(prepare);
  }

  /** V3: the columns of every table that knew attempts by another name. */
  @Test
  void callsAnAttemptAnAttemptInEveryTable() throws SQLException {
    migrate("2");
    List<String> tables = tablesWith("epoch");
    assertThat(tables).hasSize(7);

    migrate("3");

    assertThat(tablesWith("epoch")).isEmpty();
    assertThat(tablesWith("attempt")).isEqualTo(tables);
  }

  /** V3: within JSON as well. */
  @Test
  void callsAnAttemptAnAttemptInStoredPlans() throws IOException, SQLException {
    RunPlan plan =
        new RunPlan(
            RUN,
            3,
            0,
            0,
            Instant.parse("2026-01-02T03:04:05Z"),
            PlannerKind.BEST,
            "because",
            ScheduleKind.ZEBRA,
            4,
            GroupPrecision.FP32,
            Recompute.NONE,
            0.5,
            0.9,
            null,
            List.of(),
            PLACEMENT);
    ObjectNode old = Json.MAPPER.valueToTree(plan);
    old.set("epoch", old.remove("attempt"));
    migrate("2");
    addRun(Json.MAPPER.valueToTree(RunSpecReader.defaults()));
    update("insert into assignment values ('%s', 3, now(), 0, '[[\"expert-0\"]]')", RUN);
    update("insert into run_plan values ('%s', 3, 0, now(), 0, '%s')", RUN, old);

    migrate("3");

    assertThat(Json.MAPPER.readValue(text("select plan from run_plan"), RunPlan.class))
        .isEqualTo(plan);
  }

  /** V3, and V4 for what lies deeper: commands that the broker had not taken yet. */
  @Test
  void callsAnAttemptAnAttemptInCommandsThatWait() throws IOException, SQLException {
    List<Command> waiting =
        List.of(
            new Command.Start(INSTANCE, RUN, 3),
            new Command.Prepare(
                INSTANCE,
                new Assignment(RUN, 3, RunSpecReader.defaults(), PLACEMENT, List.of(), 20)));
    migrate("2");
    for (Command command : waiting) {
      update(
          "insert into command_outbox (instance, command, created_at) values ('%s', '%s', now())",
          INSTANCE,
          Json.MAPPER
              .writerFor(Command.class)
              .writeValueAsString(command)
              .replace("\"attempt\"", "\"epoch\""));
    }

    migrate("latest");

    List<Command> read = new ArrayList<>();
    for (String command : texts("select command from command_outbox order by id")) {
      read.add(Json.MAPPER.readValue(command, Command.class));
    }
    assertThat(read).isEqualTo(waiting);
  }

  /** V4: how many experts a worker owns follows from the placement. */
  @Test
  void dropsCountsAndKeepsThePlacement() throws IOException, SQLException {
    migrate("3");
    addRun(Json.MAPPER.valueToTree(RunSpecReader.defaults()));
    update(
        "insert into assignment values ('%s', 1, now(), 0, '%s')",
        RUN, Json.MAPPER.writeValueAsString(PLACEMENT));
    update("insert into placement_count values ('%s', 1, 0, 0, 2, 'EXPERT')", RUN);

    migrate("4");

    assertThat(texts("select table_name from information_schema.tables"))
        .contains("assignment")
        .doesNotContain("placement_count");
    assertThat(Json.MAPPER.readValue(text("select placement from assignment"), Placement.class))
        .isEqualTo(PLACEMENT);
    assertThatCode(() -> update("delete from run where id = '%s'", RUN)).doesNotThrowAnyException();
  }

  /** V6: one row a pair of workers and direction. */
  @Test
  void keepsLinksByPairAndDirection() throws SQLException {
    migrate("6");

    update("insert into worker_link values ('a', 'b', 1e9, 0, now())");
    update("insert into worker_link values ('b', 'a', 1e9, 0, now())");
    assertThatThrownBy(() -> update("insert into worker_link values ('a', 'b', 2e9, 1, now())"))
        .hasMessageContaining("worker_link_pkey");
    assertThatThrownBy(() -> update("insert into worker_link values ('a', 'c', 0, 0, now())"))
        .hasMessageContaining("bytes_per_second");
  }

  private void addRun(ObjectNode spec) throws SQLException {
    try (PreparedStatement insert =
        database.prepareStatement(
            """
            insert into run values (?, 'old', 'completed', '', now(), now(), now(), now(), '0.1', 1,
              10, 10, null, null, null, ?::jsonb)""")) {
      insert.setObject(1, RUN);
      insert.setString(2, spec.toString());
      insert.executeUpdate();
    }
  }

  private List<String> tablesWith(String column) throws SQLException {
    return texts(
        "select table_name from information_schema.columns where table_schema = 'public'"
            + " and column_name = '"
            + column
            + "' order by table_name");
  }

  private void update(String sql, Object... values) throws SQLException {
    try (Statement statement = database.createStatement()) {
      assertThat(statement.executeUpdate(sql.formatted(values))).isEqualTo(1);
    }
  }

  private String text(String query) throws SQLException {
    List<String> rows = texts(query);
    assertThat(rows).hasSize(1);
    return rows.getFirst();
  }

  private List<String> texts(String query) throws SQLException {
    List<String> texts = new ArrayList<>();
    try (Statement statement = database.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      while (rows.next()) {
        texts.add(rows.getString(1));
      }
    }
    return texts;
  }

  private void migrate(String target) {
    Flyway.configure()
        .dataSource(server.getDatabase("postgres", name))
        .target(target)
        .load()
        .migrate();
  }
}
