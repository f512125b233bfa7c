package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;
import javax.sql.DataSource;
import org.awaitility.Awaitility;
import org.hetermoe.run.Command;
import org.junit.jupiter.api.Test;

/** Runs with which something is wrong: the others go on. */
@QuarkusTest
@QuarkusTestResource(RealParts.class)
class BadRunIT extends ClusterCase {
  @Inject DataSource database;

  @Test
  void anActiveRunThatCannotBeReadFailsAndTheOthersGoOn() throws SQLException {
    UUID bad = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    start(bad, 1, attention, expert);

    makeUnreadable(bad);

    WorkerDouble otherAttention = attention();
    WorkerDouble otherExpert = expert();
    UUID good = submit(ONE_AND_ONE);
    start(good, 1, otherAttention, otherExpert);
    assertThat(awaitFailure(bad)).contains("cannot be read").contains("model.layers");
    attention.await(Command.Abort.class, bad, 1);
    expert.await(Command.Abort.class, bad, 1);
    finish(good, 4, otherAttention, otherExpert);
    attention.rest();
    expert.rest();
  }

  @Test
  void aQueuedRunThatCannotBeReadFailsAndTheOthersGoOn() throws SQLException {
    UUID bad = submit("{workers: {attention: 40}}");
    makeUnreadable(bad);
    UUID good = submit(ONE_AND_ONE);
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();

    start(good, 1, attention, expert);

    assertThat(awaitFailure(bad)).contains("cannot be read").contains("model.layers");
    assertThat(listed(bad).path("state").asText()).isEqualTo("failed");
    finish(good, 4, attention, expert);
  }

  private void makeUnreadable(UUID id) throws SQLException {
    forget(id);
    try (Connection connection = database.getConnection();
        PreparedStatement change =
            connection.prepareStatement(
                "update run set spec = jsonb_set(spec, '{model,layers}', '-1') where id = ?")) {
      change.setObject(1, id);
      assertThat(change.executeUpdate()).isEqualTo(1);
    }
  }

  private String awaitFailure(UUID id) throws SQLException {
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(() -> assertThat(column(id, "state")).isEqualTo("failed"));
    return column(id, "reason");
  }

  private String column(UUID id, String column) throws SQLException {
    try (Connection connection = database.getConnection();
        PreparedStatement query =
            connection.prepareStatement("select " + column + " from run where id = ?")) {
      query.setObject(1, id);
      try (ResultSet rows = query.executeQuery()) {
        assertThat(rows.next()).isTrue();
        return rows.getString(1);
      }
    }
  }

  private static JsonNode listed(UUID id) {
    for (JsonNode run : get("/api/v1/runs?limit=5").path("runs")) {
      if (run.path("id").asText().equals(id.toString())) {
        return run;
      }
    }
    throw new AssertionError(id + " is not listed");
  }
}
