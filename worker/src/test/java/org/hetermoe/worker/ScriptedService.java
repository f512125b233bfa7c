package org.hetermoe.worker;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.train.MemberEnvironment;

/** A worker service whose members do as the test says: two steps, then they wait. */
@Singleton
class ScriptedService {
  static final List<ScriptedMember> MEMBERS = new CopyOnWriteArrayList<>();

  @Produces
  @Singleton
  WorkerRank.Role role() {
    return WorkerRank.Role.EXPERT;
  }

  @Produces
  @Singleton
  MemberFactory members() {
    return (assignment, peer, _, channel, environment) -> {
      ScriptedMember member =
          new ScriptedMember(
              channel,
              ScriptedMember.NOTHING,
              script -> {
                step(script, peer, assignment, environment, 1);
                step(script, peer, assignment, environment, 2);
                script.mayFinish.await();
              });
      MEMBERS.add(member);
      return member;
    };
  }

  private static void step(
      ScriptedMember member,
      WorkerRank peer,
      Assignment assignment,
      MemberEnvironment environment,
      int step) {
    member.reach(step);
    if (!peer.equals(WorkerRank.attention(0))) {
      return;
    }
    environment
        .metrics()
        .accept(
            new StepMetrics(
                assignment.run(),
                assignment.attempt(),
                step,
                5.5,
                5.25,
                1,
                0,
                0.5,
                0.001,
                4096,
                0.25,
                16384,
                0.75,
                0.5,
                null,
                null,
                null,
                Instant.EPOCH));
  }
}
