package org.hetermoe.worker;

import jakarta.annotation.Priority;
import jakarta.enterprise.inject.Alternative;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.hetermoe.channel.Channel;
import org.hetermoe.checkpoint.CheckpointStore;
import org.hetermoe.compute.Compute;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.train.RankTrainer;
import org.hetermoe.train.TrainerEnvironment;

/** A worker service whose ranks do as the test says: two steps, then they wait. */
@Singleton
class ScriptedService {
  static final List<ScriptedTrainer> TRAINERS = new CopyOnWriteArrayList<>();

  @Produces
  @Singleton
  WorkerRank.Role role() {
    return WorkerRank.Role.EXPERT;
  }

  /** Instead of the threads whose ranks train. */
  @Alternative
  @Priority(1)
  @Singleton
  static class Threads extends RankThreadFactory {
    Threads(
        WorkerSettings settings,
        WorkerIdentity identity,
        RunChannels channels,
        CheckpointStore checkpoints,
        KafkaReports reports,
        WorkerMeters meters,
        EmulationListeners emulation) {
      super(settings, identity, channels, checkpoints, reports, meters, emulation);
    }

    @Override
    RankTrainer trainer(
        Assignment assignment,
        WorkerRank rank,
        Compute compute,
        Channel channel,
        TrainerEnvironment environment) {
      ScriptedTrainer trainer =
          new ScriptedTrainer(
              channel,
              ScriptedTrainer.NOTHING,
              script -> {
                step(script, rank, assignment, environment, 1);
                step(script, rank, assignment, environment, 2);
                script.mayFinish.await();
              });
      TRAINERS.add(trainer);
      return trainer;
    }
  }

  private static void step(
      ScriptedTrainer member,
      WorkerRank peer,
      Assignment assignment,
      TrainerEnvironment environment,
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
                null,
                Instant.EPOCH));
  }
}
