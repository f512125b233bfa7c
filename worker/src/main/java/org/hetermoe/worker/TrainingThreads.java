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
import org.hetermoe.compute.Devices;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Event;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.train.MemberEnvironment;

/** Makes threads whose members train, each with a device and a channel of its own. */
@Singleton
class TrainingThreads implements MemberThreads {
  /** In a run file: each service's own device. */
  private static final String OWN_DEVICE = "service";

  private final WorkerSettings settings;
  private final ChannelOpener channels;
  private final MemberFactory factory;
  private final CheckpointStore checkpoints;
  private final Consumer<StepMetrics> metrics;
  private final WorkerPace pace;
  private final KafkaReports reports;
  private final String worker;

  TrainingThreads(
      WorkerSettings settings,
      WorkerIdentity identity,
      RunChannels channels,
      MemberFactory factory,
      CheckpointStore checkpoints,
      KafkaReports reports,
      WorkerMeters meters,
      WorkerPace pace) {
    this.settings = settings;
    this.channels = channels;
    this.factory = factory;
    this.checkpoints = checkpoints;
    this.pace = pace;
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
  public List<MemberThread> make(
      Assignment assignment, List<Assignment.Member> local, MemberThread.Listener listener)
      throws IOException, InterruptedException {
    String asked = assignment.spec().compute();
    String device = asked.equals(OWN_DEVICE) ? settings.compute() : asked;
    int threads = threads(settings);
    List<WorkerRank> peers = local.stream().map(Assignment.Member::peer).toList();
    Map<WorkerRank, Channel> opened = channels.open(assignment, peers);
    List<MemberThread> members = new ArrayList<>();
    for (WorkerRank peer : peers) {
      members.add(
          new MemberThread(
              peer,
              opened.get(peer),
              () -> Devices.open(device, threads),
              (compute, channel) ->
                  factory.create(assignment, peer, compute, channel, environment(assignment, peer)),
              peer + "-attempt-" + assignment.attempt(),
              listener));
    }
    return members;
  }

  private void report(Event event) {
    // The reports log what did not arrive.
    CompletionStage<Void> _ = reports.event(event);
  }

  private MemberEnvironment environment(Assignment assignment, WorkerRank peer) {
    return new MemberEnvironment(
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
        pace.of(assignment.spec(), peer.role()));
  }
}
