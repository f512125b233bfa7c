package org.hetermoe.worker;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.hetermoe.channel.direct.MeasuredLink;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.LinkMeasurement;
import org.jboss.logging.Logger;

/**
 * Measures the links between this worker and the others, each pair and process once, both
 * directions at a time; of two workers that with the later id measures, whichever was there first.
 * Neither while this worker serves a run nor while the other does. A pair that cannot be measured
 * is tried again a few times, and then left to the coordinator's setting. What was measured is sent
 * until it has arrived.
 */
final class LinkReporter implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(LinkReporter.class);

  /** How often a peer that does not answer, or not as it should, is tried. */
  static final int ATTEMPTS = 5;

  private final String worker;
  private final Prober prober;
  private final BooleanSupplier busy;
  private final Function<LinkMeasurement, CompletionStage<Void>> report;
  private final Duration pause;
  private final Map<String, Peer> peers = new ConcurrentHashMap<>();
  private final Queue<LinkMeasurement> unsent = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean late = new AtomicBoolean();
  private Thread thread;
  private boolean closed;

  /** Measures a link. */
  @FunctionalInterface
  interface Prober {
    /**
     * Measures.
     *
     * @return empty where this process or the peer is busy
     * @throws IOException if the peer cannot be reached or refuses
     */
    Optional<MeasuredLink> probe(InetSocketAddress peer) throws IOException, InterruptedException;
  }

  /**
   * One that has not begun.
   *
   * @param worker stable id of this worker
   * @param busy whether this worker serves a run
   * @param report sends what was measured; its stage fails where that did not arrive
   * @param pause between two looks at the peers; a peer that fails is left alone for twice as long
   *     each time
   */
  LinkReporter(
      String worker,
      Prober prober,
      BooleanSupplier busy,
      Function<LinkMeasurement, CompletionStage<Void>> report,
      Duration pause) {
    this.worker = worker;
    this.prober = prober;
    this.busy = busy;
    this.report = report;
    this.pause = pause;
  }

  /** Begins. */
  synchronized void start() {
    if (thread == null && !closed) {
      thread = Thread.ofPlatform().name("links").daemon().start(this::measureAll);
    }
  }

  /** Another worker lives, or this one. */
  void heard(Heartbeat heartbeat) {
    if (heartbeat.worker().compareTo(worker) < 0) {
      peers
          .compute(
              heartbeat.worker(),
              (_, known) ->
                  known != null && known.instance.equals(heartbeat.instance())
                      ? known
                      : new Peer(heartbeat))
          .heard(heartbeat);
    }
  }

  private void measureAll() {
    try {
      while (!Thread.currentThread().isInterrupted()) {
        peers.values().removeIf(Peer::silent);
        for (Peer peer : peers.values()) {
          if (peer.due() && !busy.getAsBoolean()) {
            measure(peer);
          }
        }
        for (int waiting = unsent.size(); waiting > 0; waiting--) {
          send(unsent.remove());
        }
        Thread.sleep(pause);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void measure(Peer peer) throws InterruptedException {
    try {
      Optional<MeasuredLink> measured = prober.probe(peer.address());
      if (measured.isPresent()) {
        peer.done = true;
        report(peer, measured.get());
      } else {
        LOG.debugf("%s, or this worker, is busy; its link is measured later", peer.id);
      }
    } catch (IOException | RuntimeException e) {
      if (!Thread.currentThread().isInterrupted()) {
        peer.failed(pause, e);
      }
    }
  }

  private void report(Peer peer, MeasuredLink link) {
    LOG.infof(
        "link with %s: %.3f ms, %.2f GB/s out, %.2f GB/s in",
        peer.id,
        link.latencySeconds() * 1e3,
        link.bytesPerSecondOut() * 1e-9,
        link.bytesPerSecondIn() * 1e-9);
    Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
    unsent.add(
        new LinkMeasurement(worker, peer.id, link.bytesPerSecondOut(), link.latencySeconds(), now));
    unsent.add(
        new LinkMeasurement(peer.id, worker, link.bytesPerSecondIn(), link.latencySeconds(), now));
  }

  /**
   * Sends, or keeps for the next time. The first failure is worth a line, the others look alike.
   */
  private void send(LinkMeasurement link) {
    CompletionStage<Void> _ =
        report
            .apply(link)
            .whenComplete(
                (_, failure) -> {
                  if (failure == null) {
                    late.set(false);
                    return;
                  }
                  unsent.add(link);
                  if (late.compareAndSet(false, true)) {
                    LOG.warnf(
                        "measured links do not reach the broker, and are sent again: %s",
                        FailureMessage.of(failure));
                  }
                });
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (thread != null) {
      thread.interrupt();
    }
  }

  /** A process of another worker. But for what it said last, only the measuring thread uses it. */
  private static final class Peer {
    private final String id;
    private final UUID instance;
    private volatile Heartbeat latest;
    private volatile long heardNanos;
    private boolean done;
    private int failures;
    private long notBeforeNanos = System.nanoTime();

    Peer(Heartbeat first) {
      this.id = first.worker();
      this.instance = first.instance();
      heard(first);
    }

    final void heard(Heartbeat heartbeat) {
      latest = heartbeat;
      heardNanos = System.nanoTime();
    }

    InetSocketAddress address() {
      return InetSocketAddress.createUnresolved(latest.host(), latest.port());
    }

    boolean silent() {
      return System.nanoTime() - heardNanos
          > TimeUnit.MILLISECONDS.toNanos(Heartbeat.LOST_AFTER_MILLIS);
    }

    boolean due() {
      return !done
          && failures < ATTEMPTS
          && latest.run() == null
          && System.nanoTime() - notBeforeNanos >= 0;
    }

    /** The first failure is worth a line, the others look alike. */
    void failed(Duration pause, Exception cause) {
      failures++;
      notBeforeNanos = System.nanoTime() + (pause.toNanos() << failures);
      if (failures == 1) {
        LOG.warnf(
            "the link with %s cannot be measured, and is tried %d times more: %s",
            id, ATTEMPTS - 1, FailureMessage.of(cause));
      } else {
        LOG.debugf(cause, "the link with %s cannot be measured", id);
      }
    }
  }
}
