package org.hetermoe.coordinator.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunSpecReader;
import org.junit.jupiter.api.Test;

class RunPlannerTest {
  private static final GroupLinks LINKS = GroupLinks.of(new LinkCosts(1e12, 0));

  @Test
  void movesExpertsToAttentionWorkersThatWouldWait() {
    RunSpec spec = spec("workers.attention=2", "workers.experts=2");
    Decision decision = decide(spec, 4, 1);

    assertThat(decision.planner()).isEqualTo(PlannerKind.BEST);
    assertThat(decision.placement().moved(1)).isPositive();
    Decision.Promise promise = decision.promise().orElseThrow();
    assertThat(promise.boundFraction()).isBetween(0.5, 1 + 1e-9);
    assertThat(promise.busy().values()).allMatch(busy -> busy > 0 && busy <= 1 + 1e-9);

    Decision without =
        decide(spec("workers.attention=2", "workers.experts=2", "planning.asym_ea=false"), 4, 1);
    assertThat(without.placement().moved(1)).isZero();
    assertThat(without.promise().orElseThrow().stepSeconds()).isGreaterThan(promise.stepSeconds());
  }

  @Test
  void leavesExpertsWhereTheirTypeIsKnown() {
    RunSpec spec =
        spec(
            "workers.attention=2",
            "workers.experts=2",
            "precision={attention: bf16, experts: fp16}");
    GroupDevices all = profiled(spec, 4, 1);
    GroupDevices one =
        new GroupDevices(
            all.members(), all.profiles(), Set.of(WorkerRank.attention(1)), all.links());
    RunPlanner planner = new RunPlanner(spec, one);

    Decision decision = planner.decide(planner.balanced());

    assertThat(decision.placement().moved(1)).isZero();
    assertThat(decision.why())
        .endsWith("; no experts on attention workers, of which attention-1 cannot compute in fp16");
    assertThat(new RunPlanner(spec, all).decide(planner.balanced()).placement().moved(1))
        .isPositive();
  }

  @Test
  void keepsToCountsOfTheRunFileAndSaysWhatTheyPromise() {
    RunSpec spec = spec("workers.experts=2", "workers.expert_counts=[7, 1]");
    Decision uneven = decide(spec, 1, 1);

    assertThat(uneven.placement()).isEqualTo(Placement.ofCounts(4, List.of(7, 1)));
    assertThat(uneven.planner()).isEqualTo(PlannerKind.NONE);
    assertThat(uneven.why()).contains("workers.expert_counts");
    Decision even = decide(spec("workers.experts=2", "planning.planner=none"), 1, 1);
    assertThat(even.placement()).isEqualTo(Placement.balanced(4, 8, 2));
    assertThat(uneven.promise().orElseThrow().stepSeconds())
        .isGreaterThan(even.promise().orElseThrow().stepSeconds());
  }

  @Test
  void spreadsEvenlyAndSaysWhyWhereAProfileIsMissing() {
    RunSpec spec = spec("workers.experts=2");
    GroupDevices devices = devices(spec, Map.of(WorkerRank.attention(0), new Linear("A", 1)));
    RunPlanner planner = new RunPlanner(spec, devices);

    Decision decision = planner.decide(planner.balanced());

    assertThat(decision.placement()).isEqualTo(Placement.balanced(4, 8, 2));
    assertThat(decision.promise()).isEmpty();
    assertThat(decision.why())
        .isEqualTo(
            "experts evenly over the expert workers, for there is no profile of"
                + " expert worker w-expert-0, expert worker w-expert-1");
  }

  @Test
  void goesByWhatWorkersWereMeasuredToTake() {
    RunSpec spec = spec("workers.experts=2", "planning.asym_ea=false");
    RunPlanner planner = planner(spec, 1, 1);
    ExpertLoads loads = planner.balanced();
    Placement even = Placement.balanced(4, 8, 2);
    // Expert worker 1 takes three times as long as its profile says.
    double expected = 4 * 4 * 4 * 3 * 1024.0 * 2 / 8 * 1e-6;
    RunPlanner informed =
        planner.measured(
            even,
            loads,
            Map.of(
                WorkerRank.expert(0), new MeasuredCosts.Spent(0, expected),
                WorkerRank.expert(1), new MeasuredCosts.Spent(0, 3 * expected)));

    Decision decision = informed.plan(PlannerKind.BEST, loads);

    List<Integer> counts = new ArrayList<>();
    for (int layer = 0; layer < 4; layer++) {
      counts.add(decision.placement().expertsOf(layer, WorkerRank.expert(1)).size());
    }
    assertThat(counts).allMatch(count -> count < 4);
    assertThat(informed.given(even, "", loads).promise().orElseThrow().stepSeconds())
        .isEqualTo(
            planner.given(even, "", loads).promise().orElseThrow().stepSeconds() * 3, within(3.0));
  }

  @Test
  void takesLongerOverLinksThatAreSlow() {
    RunSpec spec = spec("workers.experts=2");
    Map<WorkerRank, DeviceProfile> profiles =
        Map.of(
            WorkerRank.attention(0), new Linear("A", 1),
            WorkerRank.expert(0), new Linear("E", 1),
            WorkerRank.expert(1), new Linear("E", 1));
    GroupLinks slow = GroupLinks.of(new LinkCosts(1e6, 0.01));
    RunPlanner fast = new RunPlanner(spec, devices(spec, profiles));
    RunPlanner late = new RunPlanner(spec, devices(spec, profiles, slow));
    Placement even = Placement.balanced(4, 8, 2);

    assertThat(seconds(late, even)).isGreaterThan(2 * seconds(fast, even));
  }

  private static double seconds(RunPlanner planner, Placement placement) {
    return planner.given(placement, "", planner.balanced()).promise().orElseThrow().stepSeconds();
  }

  private static Decision decide(RunSpec spec, double attentionSpeed, double expertSpeed) {
    RunPlanner planner = planner(spec, attentionSpeed, expertSpeed);
    return planner.decide(planner.balanced());
  }

  private static RunPlanner planner(RunSpec spec, double attentionSpeed, double expertSpeed) {
    return new RunPlanner(spec, profiled(spec, attentionSpeed, expertSpeed));
  }

  private static GroupDevices profiled(RunSpec spec, double attentionSpeed, double expertSpeed) {
    Map<WorkerRank, DeviceProfile> profiles = new HashMap<>();
    for (int rank = 0; rank < spec.workers().attention(); rank++) {
      profiles.put(WorkerRank.attention(rank), new Linear("A", attentionSpeed));
    }
    for (int rank = 0; rank < spec.workers().experts().number(); rank++) {
      profiles.put(WorkerRank.expert(rank), new Linear("E", expertSpeed));
    }
    return devices(spec, profiles);
  }

  private static GroupDevices devices(RunSpec spec, Map<WorkerRank, DeviceProfile> profiles) {
    return devices(spec, profiles, LINKS);
  }

  private static GroupDevices devices(
      RunSpec spec, Map<WorkerRank, DeviceProfile> profiles, GroupLinks links) {
    List<Assignment.Member> members = new ArrayList<>();
    for (int rank = 0; rank < spec.workers().attention(); rank++) {
      members.add(member(WorkerRank.attention(rank)));
    }
    for (int rank = 0; rank < spec.workers().experts().number(); rank++) {
      members.add(member(WorkerRank.expert(rank)));
    }
    return new GroupDevices(members, profiles, Set.of(), links);
  }

  private static Assignment.Member member(WorkerRank peer) {
    return new Assignment.Member(peer, "w-" + peer, UUID.randomUUID(), "h", 1, peer.rank());
  }

  private static RunSpec spec(String... overrides) {
    return RunSpecReader.read("", Arrays.asList(overrides));
  }

  /** A microsecond for each token or row of a layer, over its speed; twice that backward. */
  private record Linear(String name, double speed) implements DeviceProfile {
    @Override
    public boolean attention() {
      return true;
    }

    @Override
    public long memoryBytes() {
      return 1L << 40;
    }

    private double seconds(double rows, Pass pass) {
      return 1e-6 * rows * (pass == Pass.FORWARD ? 1 : 2) / speed;
    }

    @Override
    public double attentionSeconds(ModelShape model, int sequences, int length, Pass pass) {
      return seconds((double) sequences * length, pass);
    }

    @Override
    public double expertSeconds(ModelShape model, double assignments, Pass pass) {
      return seconds(assignments, pass);
    }

    @Override
    public double headSeconds(ModelShape model, int tokens, Pass pass) {
      return seconds(tokens, pass);
    }

    @Override
    public double embeddingSeconds(ModelShape model, int tokens, Pass pass) {
      return 0;
    }

    @Override
    public double taskSeconds() {
      return 0;
    }

    @Override
    public double optimizerSeconds(long parameters) {
      return 0;
    }
  }
}
