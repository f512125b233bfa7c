package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Json;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.schedule.ScheduleKind;
import org.junit.jupiter.api.Test;

/** What earlier versions stored can still be read. */
class MigrationIT {
  private static final UUID RUN = UUID.fromString("00000000-0000-4000-8000-000000000001");

  @Test
  void bindsRunsAndPlacementsOfTheFirstVersion() throws IOException, SQLException {
    try (EmbeddedPostgres database =
        EmbeddedPostgres.builder().setServerConfig("fsync", "off").start()) {
      migrate(database, "1");
      try (Connection connection = database.getPostgresDatabase().getConnection()) {
        addRun(connection, firstVersion());

        migrate(database, "latest");

        RunSpec spec =
            Json.MAPPER.readValue(text(connection, "select spec from run"), RunSpec.class);
        assertThat(spec.training().schedule()).isEqualTo(ScheduleKind.ZEBRA);
        assertThat(spec.planning().planner()).isEqualTo(PlannerKind.NONE);
        assertThat(spec.planning().rebalance()).isFalse();
        assertThat(spec.emulation().device(WorkerRank.Role.EXPERT)).isEmpty();
        assertThat(spec.model()).isEqualTo(RunSpecReader.defaults().model());
        Placement placement =
            Json.MAPPER.readValue(
                text(connection, "select placement from assignment"), Placement.class);
        assertThat(placement.owners())
            .isEqualTo(
                List.of(
                    List.of(WorkerRank.expert(0), WorkerRank.expert(0), WorkerRank.expert(1)),
                    List.of(WorkerRank.expert(1), WorkerRank.expert(0), WorkerRank.expert(0))));
        assertThat(text(connection, "select role from placement_count")).isEqualTo("EXPERT");
      }
    }
  }

  private static ObjectNode firstVersion() {
    ObjectNode spec = Json.MAPPER.valueToTree(RunSpecReader.defaults());
    spec.remove(List.of("planning", "emulation"));
    ((ObjectNode) spec.get("training")).remove("schedule");
    return spec;
  }

  private static void addRun(Connection connection, ObjectNode spec) throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement(
            """
            insert into run values (?, 'old', 'completed', '', now(), now(), now(), now(), '0.1', 1,
              10, 10, null, null, null, ?::jsonb)""")) {
      insert.setObject(1, RUN);
      insert.setString(2, spec.toString());
      insert.executeUpdate();
    }
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate(
          "insert into assignment values ('%s', 1, now(), 0, '[[0, 0, 1], [1, 0, 0]]')"
              .formatted(RUN));
      statement.executeUpdate(
          "insert into placement_count values ('%s', 1, 0, 0, 2)".formatted(RUN));
    }
  }

  private static String text(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      assertThat(rows.next()).isTrue();
      return rows.getString(1);
    }
  }

  private static void migrate(EmbeddedPostgres database, String target) {
    Flyway.configure().dataSource(database.getPostgresDatabase()).target(target).load().migrate();
  }
}
