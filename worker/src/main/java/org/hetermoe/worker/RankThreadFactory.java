package org.hetermoe.worker;

import jakarta.inject.Singleton;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.hetermoe.channel.Channel;
import org.hetermoe.checkpoint.CheckpointStore;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Event;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.train.RankTrainer;
import org.hetermoe.train.TrainerEnvironment;

/** Makes threads whose ranks train, each with a device and a channel of its own. */
@Singleton
class RankThreadFactory implements RankThread.Factory {
  private final WorkerSettings settings;
  private final RunChannels channels;
  private final CheckpointStore checkpoints;
  private final Consumer<StepMetrics> metrics;
  private final EmulationListeners emulation;
  private final KafkaReports reports;
  private final String worker;

  RankThreadFactory(
      WorkerSettings settings,
      WorkerIdentity identity,
      RunChannels channels,
      CheckpointStore checkpoints,
      KafkaReports reports,
      WorkerMeters meters,
      EmulationListeners emulation) {
    this.settings = settings;
    this.channels = channels;
    this.checkpoints = checkpoints;
    this.emulation = emulation;
    this.reports = reports;
    this.worker = identity.worker();
    this.metrics =
        step -> {
          meters.step(step);
          reports.metrics(step);
        };
  }

  /** Host threads that a device of this process may use. */
  static int threads(WorkerSettings settings) {
    return settings.threads().orElseGet(() -> Runtime.getRuntime().availableProcessors());
  }

  @Override
  public List<RankThread> create(
      Assignment assignment, List<WorkerRank> local, RankThread.Listener listener)
      throws IOException, InterruptedException {
    RunSpec spec = assignment.spec();
    String device = spec.ownDevices() ? settings.compute() : spec.compute();
    int threads = threads(settings);
    Map<WorkerRank, Channel> opened = channels.open(assignment, local);
    List<RankThread> created = new ArrayList<>();
    for (WorkerRank rank : local) {
      created.add(
          new RankThread(
              rank,
              opened.get(rank),
              () -> Devices.open(device, threads),
              (compute, channel) ->
                  trainer(assignment, rank, compute, channel, environment(assignment, rank)),
              rank + "-attempt-" + assignment.attempt(),
              listener));
    }
    return created;
  }

  /** What the rank does; owns neither its device nor its channel. */
  RankTrainer trainer(
      Assignment assignment,
      WorkerRank rank,
      Compute compute,
      Channel channel,
      TrainerEnvironment environment) {
    return RankTrainer.create(assignment, compute, channel, environment);
  }

  private void report(Event event) {
    // The reports log what did not arrive.
    CompletionStage<Void> _ = reports.event(event);
  }

  private TrainerEnvironment environment(Assignment assignment, WorkerRank rank) {
    return new TrainerEnvironment(
        checkpoints,
        settings.dataDirectory(),
        metrics,
        change ->
            report(
                new Event.Moved(
                    assignment.run(),
                    assignment.attempt(),
                    worker,
                    change.step(),
                    change.placement(),
                    change.seconds())),
        emulation.listener(assignment.spec(), rank.role()));
  }
}
