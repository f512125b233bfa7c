package org.hetermoe.worker;

import jakarta.inject.Singleton;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.hetermoe.channel.Channel;
import org.hetermoe.checkpoint.CheckpointStore;
import org.hetermoe.compute.Devices;
import org.hetermoe.group.Peer;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.train.MemberEnvironment;
import org.hetermoe.train.Pace;
import org.jboss.logging.Logger;

/** Makes threads whose members train, each with a device and a channel of its own. */
@Singleton
class TrainingThreads implements MemberThreads {
  private static final Logger LOG = Logger.getLogger(TrainingThreads.class);

  /** In a run file: each service's own device. */
  private static final String OWN_DEVICE = "service";

  private final WorkerSettings settings;
  private final ChannelOpener channels;
  private final MemberFactory factory;
  private final MemberEnvironment environment;

  TrainingThreads(
      WorkerSettings settings,
      RunChannels channels,
      MemberFactory factory,
      CheckpointStore checkpoints,
      KafkaReports reports,
      WorkerMeters meters) {
    this.settings = settings;
    this.channels = channels;
    this.factory = factory;
    this.environment =
        new MemberEnvironment(
            checkpoints,
            settings.dataDirectory(),
            (StepMetrics step) -> {
              meters.step(step);
              reports.metrics(step);
            },
            change ->
                LOG.infof("experts moved after step %d in %.3f s", change.step(), change.seconds()),
            Pace.REAL);
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
    List<Peer> peers = local.stream().map(Assignment.Member::peer).toList();
    Map<Peer, Channel> opened = channels.open(assignment, peers);
    List<MemberThread> members = new ArrayList<>();
    for (Peer peer : peers) {
      members.add(
          new MemberThread(
              peer,
              opened.get(peer),
              () -> Devices.open(device, threads),
              (compute, channel) -> factory.create(assignment, peer, compute, channel, environment),
              peer + "-epoch-" + assignment.epoch(),
              listener));
    }
    return members;
  }
}
