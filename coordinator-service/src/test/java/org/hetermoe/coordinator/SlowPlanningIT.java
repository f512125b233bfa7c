package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusMock;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.util.Map;
import java.util.UUID;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.coordinator.planning.RunPlans;
import org.hetermoe.coordinator.planning.SlowPlans;
import org.hetermoe.coordinator.profile.LinkRegistry;
import org.hetermoe.coordinator.profile.ProfileRegistry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Plans that take longer than a transaction may: 8 s here, a minute in earnest. */
@QuarkusTest
@QuarkusTestResource(RealParts.class)
@TestProfile(SlowPlanningIT.ShortTransactions.class)
class SlowPlanningIT extends ClusterCase {
  @Inject RunPlans plans;
  @Inject ProfileRegistry profiles;
  @Inject LinkRegistry links;
  @Inject CoordinatorConfig config;

  /** Transactions of 8 s, plans of 14 s. */
  public static final class ShortTransactions implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of(
          "quarkus.transaction-manager.default-transaction-timeout", "8S",
          "hetermoe.coordinator.planning.deadline", "14S");
    }
  }

  @BeforeEach
  void planSlowly() {
    QuarkusMock.installMockForInstance(new SlowPlans(profiles, links, config), plans);
  }

  @Test
  void aSlowPlanBecomesARunAndHoldsUpNoOther() {
    UUID slow = submit(named("slow 11000"));
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    awaitReason(slow, "waiting for its plan");

    // Others get workers meanwhile, but not those that the plan is made for
    UUID other = submit(ONE_AND_ONE);
    awaitReason(other, "waiting for 1 more attention worker and 1 more expert worker");
    WorkerDouble otherAttention = attention();
    WorkerDouble otherExpert = expert();
    start(other, 1, otherAttention, otherExpert);
    assertThat(run(slow).path("state").asText()).isEqualTo("submitted");

    start(slow, 1, attention, expert);
    assertThat(run(slow).path("attempt").asInt()).isEqualTo(1);
    finish(slow, 4, attention, expert);
    finish(other, 4, otherAttention, otherExpert);
  }

  @Test
  void aPlanThatTakesTooLongFailsItsRun() {
    UUID endless = submit(named("slow 120000"));
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    awaitReason(endless, "waiting for its plan");

    assertThat(awaitState(endless, "failed").path("reason").asText())
        .isEqualTo(
            "planning took longer than 14 s (hetermoe.coordinator.planning.deadline);"
                + " choose a simpler planning.planner");

    // And its workers are there for others
    UUID other = submit(ONE_AND_ONE);
    start(other, 1, attention, expert);
    finish(other, 4, attention, expert);
  }

  @Test
  void aRunThatIsStoppedWhileItIsPlannedStaysStopped() throws InterruptedException {
    UUID slow = submit(named("slow 1500"));
    WorkerDouble attention = attention();
    WorkerDouble expert = expert();
    awaitReason(slow, "waiting for its plan");
    post("/api/v1/runs/" + slow + "/stop", 202);

    UUID other = submit(ONE_AND_ONE);
    start(other, 1, attention, expert);
    finish(other, 4, attention, expert);
    Thread.sleep(2_000);

    assertThat(states(run(slow))).containsExactly("submitted", "stopped");
  }

  private static String named(String name) {
    return "{name: '%s', training: {steps: 4}}".formatted(name);
  }
}
