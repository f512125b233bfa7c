package org.hetermoe.channel.direct;

import static java.lang.System.Logger.Level.WARNING;

import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.hetermoe.channel.AbstractChannel;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.Inbox;
import org.hetermoe.channel.PooledFrame;
import org.hetermoe.channel.Refusal;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;

/** One member's end: a way out to each peer, and at most one way in from each. */
final class DirectChannel extends AbstractChannel {
  private static final System.Logger LOG = System.getLogger(DirectChannel.class.getName());

  private final DirectTransport transport;
  private final Map<WorkerRank, Outbound> ways = new TreeMap<>();
  private final Object inboundLock = new Object();
  private final Map<WorkerRank, Inbound> inbound = new HashMap<>();
  private boolean gone;

  DirectChannel(
      DirectTransport transport,
      RunKey run,
      WorkerRank self,
      Map<WorkerRank, InetSocketAddress> peers) {
    super(
        run,
        self,
        transport.buffers(),
        new Inbox(
            self,
            peers.keySet(),
            transport.settings().windowBytes(),
            Inbox.WindowScope.EACH_SENDER));
    this.transport = transport;
    peers.forEach((peer, address) -> ways.put(peer, new Outbound(this, peer, address, transport)));
  }

  void connect() {
    ways.values().forEach(Outbound::start);
  }

  RunKey run() {
    return run;
  }

  Inbox inbox() {
    return inbox;
  }

  @Override
  protected void transmit(WorkerRank receiver, PooledFrame frame) throws InterruptedException {
    Outbound way = ways.get(receiver);
    if (way == null) {
      throw new IllegalArgumentException(receiver + " is not a peer of " + self());
    }
    try {
      way.enqueue(frame);
    } catch (ChannelException e) {
      inbox.checkAlive();
      throw e;
    }
  }

  /** Lets a connection in, as the one from {@code sender}; says why not. */
  Optional<Refusal> admit(WorkerRank sender, Inbound connection) {
    synchronized (inboundLock) {
      if (gone) {
        return Optional.of(Refusal.OTHER_RUN);
      }
      if (!inbox.expects(sender)) {
        return Optional.of(Refusal.UNKNOWN_SENDER);
      }
      return inbound.putIfAbsent(sender, connection) == null
          ? Optional.empty()
          : Optional.of(Refusal.DUPLICATE);
    }
  }

  /** The connection from {@code sender} is no more. It stays registered: nobody may replace it. */
  void lost(WorkerRank sender, String reason) {
    inbox.lose(sender, reason);
  }

  /** Sends a keepalive to all that have connected. */
  void beat() {
    List<Inbound> all;
    synchronized (inboundLock) {
      all = List.copyOf(inbound.values());
    }
    all.forEach(Inbound::beat);
  }

  /** One more interval has passed; peers that were silent for too many are lost. */
  void tick() {
    int limit = DirectSettings.SILENT_INTERVALS;
    for (Outbound way : ways.values()) {
      if (way.isSilentFor(limit)) {
        silent(
            way,
            "it has given no sign of life for %.1f s"
                .formatted(limit * transport.settings().keepaliveInterval().toMillis() * 1e-3));
      }
    }
  }

  /** Packets that get lost end no connection: this end does, in both directions. */
  private void silent(Outbound way, String reason) {
    LOG.log(WARNING, "{0}: {1}", way, reason);
    inbox.lose(way.receiver(), reason);
    way.fail(reason);
    Inbound from;
    synchronized (inboundLock) {
      from = inbound.get(way.receiver());
    }
    if (from != null) {
      from.close();
    }
  }

  /**
   * The way to {@code peer} could not be made; if there is none from it either, it is not there.
   */
  void unreachable(WorkerRank peer, String reason) {
    synchronized (inboundLock) {
      if (!inbound.containsKey(peer)) {
        inbox.lose(peer, reason);
      }
    }
  }

  @Override
  public void abort(String reason) {
    inbox.abort(reason);
    ways.values().forEach(way -> way.fail("aborted: " + reason));
    hangUp();
  }

  @Override
  public void close() {
    ways.values().forEach(Outbound::closeWhenEmpty);
    long deadline = System.nanoTime() + transport.settings().closeTimeout().toNanos();
    try {
      for (Outbound way : ways.values()) {
        if (!way.awaitEnd(deadline - System.nanoTime())) {
          LOG.log(WARNING, "{0}: not all that was sent went out before the close", way);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    ways.values().forEach(way -> way.fail("closed"));
    hangUp();
    inbox.close();
  }

  private void hangUp() {
    transport.forget(this);
    synchronized (inboundLock) {
      gone = true;
      inbound.values().forEach(Inbound::close);
    }
  }
}
