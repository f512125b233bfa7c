package org.hetermoe.worker;

import jakarta.inject.Singleton;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.direct.DirectSettings;
import org.hetermoe.channel.direct.DirectTransport;
import org.hetermoe.channel.direct.MeasuredLink;
import org.hetermoe.channel.kafka.KafkaSettings;
import org.hetermoe.channel.kafka.KafkaTransport;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.ChannelKind;

/**
 * Opens channels of the kind that a run asks for. The direct channel listens from the beginning.
 */
@Singleton
class RunChannels implements AutoCloseable {
  private final FrameBuffers buffers;
  private final Refusals refusals;
  private final KafkaTransport kafka;
  private final long windowBytes;
  private final DirectTransport direct;
  private volatile boolean listening;

  RunChannels(
      WorkerSettings settings, FrameBuffers buffers, Refusals refusals, ActivationTopic activations)
      throws IOException {
    this.buffers = buffers;
    this.refusals = refusals;
    this.windowBytes = settings.window().asLongValue();
    String host = settings.direct().host();
    this.direct =
        new DirectTransport(
            DirectSettings.on(
                    host, settings.direct().port(), settings.direct().advertisedHost().orElse(host))
                .withWindowBytes(windowBytes),
            buffers,
            refusals);
    this.kafka =
        new KafkaTransport(
            activations, KafkaSettings.usual().withWindowBytes(windowBytes), buffers, refusals);
    activations.receiver(kafka::deliver);
    this.listening = true;
  }

  /** Whether peers can reach the direct channel. */
  boolean listening() {
    return listening && direct.accepts();
  }

  /** Where peers reach the direct channel. */
  DirectEndpoint endpoint() {
    InetSocketAddress address = direct.address();
    return new DirectEndpoint(address.getHostString(), address.getPort());
  }

  /**
   * Opens the ends of a run's channel that lie in this process; the caller closes them.
   *
   * @param local the ranks that live in this process
   * @throws IOException if this process cannot carry such a channel
   */
  Map<WorkerRank, Channel> open(Assignment assignment, List<WorkerRank> local) throws IOException {
    RunKey key = new RunKey(assignment.run(), assignment.attempt());
    ChannelKind kind = assignment.spec().channel();
    Map<WorkerRank, Channel> opened = new HashMap<>();
    try {
      switch (kind) {
        case MEMORY -> openMemory(key, assignment, local, opened);
        case DIRECT -> {
          Map<WorkerRank, InetSocketAddress> addresses = addresses(assignment);
          for (WorkerRank self : local) {
            opened.put(self, direct.open(key, self, addresses));
          }
        }
        case KAFKA -> {
          Map<WorkerRank, Integer> partitions = partitions(assignment);
          for (WorkerRank self : local) {
            opened.put(self, kafka.open(key, self, partitions));
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      opened.values().forEach(Channel::close);
      throw e;
    }
    return opened;
  }

  /**
   * Measures the link to another process.
   *
   * @return empty where this process or the other is busy
   * @throws IOException if the other cannot be reached or refuses
   */
  Optional<MeasuredLink> probe(InetSocketAddress peer) throws IOException {
    return direct.probe(peer);
  }

  @Override
  public void close() {
    listening = false;
    direct.close();
    kafka.close();
  }

  private void openMemory(
      RunKey key, Assignment assignment, List<WorkerRank> local, Map<WorkerRank, Channel> opened)
      throws IOException {
    List<WorkerRank> all = assignment.members().stream().map(Assignment.Member::peer).toList();
    if (local.size() != all.size()) {
      throw new IOException(
          "channel 'memory' needs all "
              + all.size()
              + " members in one process, here are only "
              + local
              + "; use 'direct' or 'kafka'");
    }
    MemoryChannels channels = new MemoryChannels(key, all, buffers, refusals, windowBytes);
    local.forEach(self -> opened.put(self, channels.channel(self)));
  }

  private static Map<WorkerRank, Integer> partitions(Assignment assignment) {
    Map<WorkerRank, Integer> partitions = new HashMap<>();
    for (Assignment.Member member : assignment.members()) {
      partitions.put(member.peer(), member.partition());
    }
    return partitions;
  }

  private static Map<WorkerRank, InetSocketAddress> addresses(Assignment assignment) {
    Map<WorkerRank, InetSocketAddress> addresses = new HashMap<>();
    for (Assignment.Member member : assignment.members()) {
      addresses.put(
          member.peer(), InetSocketAddress.createUnresolved(member.host(), member.port()));
    }
    return addresses;
  }
}
