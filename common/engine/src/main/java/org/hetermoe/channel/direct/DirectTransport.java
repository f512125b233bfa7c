package org.hetermoe.channel.direct;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusal;
import org.hetermoe.channel.Refusals;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;

/**
 * A process's part in direct traffic: one server socket, and the channels of all members and runs
 * that live in the process.
 *
 * <p>Connections are made in the background as soon as a channel is opened; a peer that is not
 * there yet is tried again for {@link DirectSettings#connectTimeout}. A connection that comes for a
 * channel that is not open yet is kept waiting half as long. So members may be opened in any order.
 *
 * <p>Receivers tell senders every {@link DirectSettings#keepaliveInterval} that they are there, on
 * the same connections, from a thread of the transport: a rank may compute for as long as it needs,
 * and frames may wait. Every member is receiver and sender of every other, so both notice when
 * packets between two get lost, which ends no connection by itself.
 *
 * <p>While no channel is open, the link to another process can be measured: one at a time, from
 * here or from there. Opening a channel ends a measurement.
 *
 * <p>Thread-safe. Closing it aborts the channels that are still open.
 */
public final class DirectTransport implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(DirectTransport.class.getName());

  /** Connections that have not said yet who they are, or wait for their channel, at a time. */
  private static final int MAX_STRANGERS = 256;

  private static final ThreadFactory IN_THREADS = Thread.ofPlatform().daemon().factory();

  private final DirectSettings settings;
  private final FrameBuffers buffers;
  private final Refusals refusals;
  private final Sockets sockets;
  private final ThreadFactory inThreads;
  private final ServerSocketChannel server;
  private final InetSocketAddress address;
  private final Semaphore strangers = new Semaphore(MAX_STRANGERS);
  private final ScheduledThreadPoolExecutor watch;

  /**
   * Apart from the watch, since it writes: a connection that takes nothing must not stop a clock.
   */
  private final ScheduledThreadPoolExecutor pulse;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition opened = lock.newCondition();
  private final Map<Place, DirectChannel> channels = new HashMap<>();
  private final Set<Inbound> connections = new HashSet<>();

  /** The connection over which a link is being measured; null while none is. */
  private Closeable probe;

  private volatile boolean closed;
  private volatile boolean accepting = true;

  /**
   * Listens.
   *
   * @throws IOException if the address cannot be bound
   */
  public DirectTransport(DirectSettings settings, FrameBuffers buffers, Refusals refusals)
      throws IOException {
    this(settings, buffers, refusals, new Sockets(settings), IN_THREADS);
  }

  /**
   * With sockets and threads of the caller's.
   *
   * @param inThreads makes the threads that read from connections
   */
  DirectTransport(
      DirectSettings settings,
      FrameBuffers buffers,
      Refusals refusals,
      Sockets sockets,
      ThreadFactory inThreads)
      throws IOException {
    this.settings = settings;
    this.buffers = buffers;
    this.refusals = refusals;
    this.sockets = sockets;
    this.inThreads = inThreads;
    this.server = sockets.listen();
    int port = ((InetSocketAddress) server.getLocalAddress()).getPort();
    this.address = InetSocketAddress.createUnresolved(settings.advertisedHost(), port);
    // What comes after the close is closed by whoever made it, and need not be watched.
    this.watch = clock("hetermoe-direct-watch");
    this.pulse = clock("hetermoe-direct-pulse");
    everyInterval(pulse, DirectChannel::beat);
    everyInterval(watch, DirectChannel::tick);
    Thread.ofPlatform().name("hetermoe-direct-accept").daemon().start(this::accept);
    LOG.log(INFO, "direct channel listens on {0}:{1}", settings.bindHost(), String.valueOf(port));
  }

  private static ScheduledThreadPoolExecutor clock(String name) {
    ScheduledThreadPoolExecutor clock =
        new ScheduledThreadPoolExecutor(
            1,
            Thread.ofPlatform().name(name).daemon().factory(),
            new ThreadPoolExecutor.DiscardPolicy());
    clock.setRemoveOnCancelPolicy(true);
    return clock;
  }

  /** With a pause between, and so without a burst after the process was stopped for a while. */
  private void everyInterval(ScheduledExecutorService clock, Consumer<DirectChannel> action) {
    long nanos = settings.keepaliveInterval().toNanos();
    ScheduledFuture<?> _ =
        clock.scheduleWithFixedDelay(
            () -> forEachChannel(action), nanos, nanos, TimeUnit.NANOSECONDS);
  }

  private void forEachChannel(Consumer<DirectChannel> action) {
    List<DirectChannel> open;
    lock.lock();
    try {
      open = List.copyOf(channels.values());
    } finally {
      lock.unlock();
    }
    for (DirectChannel channel : open) {
      try {
        action.accept(channel);
      } catch (RuntimeException | Error e) {
        // Thrown on, it would end the clock for all channels, and peers would take them for lost.
        LOG.log(ERROR, "keepalives of " + channel.self() + " failed", e);
      }
    }
  }

  /** Whether peers can connect: not once it is closed, or its server socket has failed. */
  public boolean accepts() {
    return accepting;
  }

  /** Where peers reach this process, not resolved. */
  public InetSocketAddress address() {
    return address;
  }

  /**
   * Opens a member's channel and begins to connect it.
   *
   * @param peers the members it talks with, and where they listen
   * @throws IllegalStateException if it is open already, or the transport is closed
   */
  public Channel open(RunKey run, WorkerRank self, Map<WorkerRank, InetSocketAddress> peers) {
    Map<WorkerRank, InetSocketAddress> others = new HashMap<>(peers);
    others.remove(self);
    DirectChannel channel = new DirectChannel(this, run, self, others);
    Closeable disturbing;
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the direct transport is closed");
      }
      if (channels.putIfAbsent(new Place(run, self), channel) != null) {
        throw new IllegalStateException("a channel of " + self + " in " + run + " is open already");
      }
      opened.signalAll();
      disturbing = probe;
    } finally {
      lock.unlock();
    }
    closeQuietly(disturbing);
    channel.connect();
    return channel;
  }

  /**
   * Measures the link to another process, in a few hundred milliseconds.
   *
   * @return empty if either end has channels open, or measures already: to be tried again later
   * @throws IOException if the peer cannot be reached, refuses, or ends the connection
   */
  public Optional<MeasuredLink> probe(InetSocketAddress peer) throws IOException {
    if (busy()) {
      return Optional.empty();
    }
    try (ByteChannel wire = sockets.connect(peer, LinkProbe.TIME_LIMIT)) {
      if (!beginProbe(wire)) {
        return Optional.empty();
      }
      ScheduledFuture<?> watch = closeAfter(wire, LinkProbe.TIME_LIMIT);
      try {
        Sockets.writeFully(wire, Handshake.encodeProbe());
        ByteBuffer answer = ByteBuffer.allocate(Handshake.ANSWER_BYTES);
        if (!Sockets.readFully(wire, answer)) {
          throw new IOException(peer + " hung up");
        }
        if (Handshake.busy(answer.flip())) {
          return Optional.empty();
        }
        Optional<String> objection = Handshake.objection(answer);
        if (objection.isPresent()) {
          throw new IOException(peer + " " + objection.get());
        }
        return Optional.of(new LinkProbe(wire).measure());
      } finally {
        watch.cancel(false);
        endProbe(wire);
      }
    } catch (IOException e) {
      if (busy()) {
        // A channel was opened here, which ended the measurement.
        debug("probe of " + peer, e);
        return Optional.empty();
      }
      throw new IOException("cannot measure the link to " + peer + ": " + Sockets.reason(e), e);
    }
  }

  private boolean busy() {
    lock.lock();
    try {
      return closed || probe != null || !channels.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** Lets a measurement begin; false while frames of a run or another one would disturb it. */
  boolean beginProbe(Closeable wire) {
    lock.lock();
    try {
      if (busy()) {
        return false;
      }
      probe = wire;
      return true;
    } finally {
      lock.unlock();
    }
  }

  void endProbe(Closeable wire) {
    lock.lock();
    try {
      if (wire.equals(probe)) {
        probe = null;
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes connections as long as there is a server socket. What goes wrong with one, memory or
   * threads that are short included, must not keep the next out: a process that others cannot reach
   * would still look well.
   */
  private void accept() {
    try {
      while (server.isOpen()) {
        try {
          greet(server.accept());
        } catch (IOException | RuntimeException | Error e) {
          if (server.isOpen()) {
            LOG.log(WARNING, "cannot accept a connection", e);
            pause();
          }
        }
      }
    } finally {
      accepting = false;
      if (!closed) {
        LOG.log(ERROR, "the server socket is closed: no peer can connect any more");
      }
    }
  }

  private void greet(SocketChannel socket) throws IOException {
    boolean begun = false;
    try {
      begun = begin(socket);
    } catch (IOException e) {
      // It has gone again.
      debug("connection", e);
    } finally {
      if (!begun) {
        socket.close();
      }
    }
  }

  /** Has a thread read from a connection; false if it is not let in. */
  private boolean begin(SocketChannel socket) throws IOException {
    String origin = String.valueOf(socket.getRemoteAddress());
    if (!strangers.tryAcquire()) {
      refusals.refuse(Refusal.BUSY, "connection from " + origin);
      return false;
    }
    Inbound connection = null;
    boolean begun = false;
    try {
      connection = new Inbound(this, refusals, sockets.accepted(socket), origin);
      lock.lock();
      try {
        connections.add(connection);
      } finally {
        lock.unlock();
      }
      Thread thread = inThreads.newThread(connection);
      thread.setName("hetermoe-in-" + origin);
      thread.start();
      begun = true;
    } finally {
      if (!begun) {
        strangers.release();
        ended(connection);
      }
    }
    if (closed) {
      connection.close();
    }
    return true;
  }

  /** Out of file handles, say: a busy loop would make it worse. */
  private static void pause() {
    try {
      Thread.sleep(100);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The channel of {@code receiver}; waits for it if its run is not known here yet. */
  Found find(RunKey run, WorkerRank receiver) throws InterruptedException {
    Place place = new Place(run, receiver);
    lock.lockInterruptibly();
    try {
      // Half the time that the other end waits, so that it hears why before it gives up.
      long left = settings.connectTimeout().toNanos() / 2;
      while (true) {
        DirectChannel channel = channels.get(place);
        if (channel != null) {
          return new Present(channel);
        }
        if (closed || left <= 0) {
          return new Missing(whyMissing(run));
        }
        if (channels.keySet().stream().anyMatch(other -> other.isNewerThan(run))) {
          return new Missing(Refusal.OTHER_ATTEMPT);
        }
        left = opened.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  private Refusal whyMissing(RunKey run) {
    if (channels.keySet().stream().anyMatch(other -> other.run.equals(run))) {
      return Refusal.WRONG_RECEIVER;
    }
    return channels.keySet().stream().anyMatch(other -> other.run.run().equals(run.run()))
        ? Refusal.OTHER_ATTEMPT
        : Refusal.OTHER_RUN;
  }

  /** A connection has been let in or turned away. */
  void noStranger() {
    strangers.release();
  }

  void ended(Inbound connection) {
    lock.lock();
    try {
      connections.remove(connection);
    } finally {
      lock.unlock();
    }
  }

  void forget(DirectChannel channel) {
    lock.lock();
    try {
      channels.remove(new Place(channel.run(), channel.self()), channel);
    } finally {
      lock.unlock();
    }
  }

  ScheduledFuture<?> closeAfter(Closeable wire, Duration time) {
    return watch.schedule(() -> closeQuietly(wire), time.toNanos(), TimeUnit.NANOSECONDS);
  }

  void closeQuietly(Closeable wire) {
    if (wire == null) {
      return;
    }
    try {
      wire.close();
    } catch (IOException e) {
      // Nothing was to come from it any more.
      debug("close failed", e);
    }
  }

  void debug(String what, Exception e) {
    LOG.log(DEBUG, what, e);
  }

  DirectSettings settings() {
    return settings;
  }

  FrameBuffers buffers() {
    return buffers;
  }

  Sockets sockets() {
    return sockets;
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public void close() {
    List<DirectChannel> open;
    List<Inbound> connected;
    Closeable measuring;
    lock.lock();
    try {
      closed = true;
      opened.signalAll();
      measuring = probe;
      open = List.copyOf(channels.values());
      connected = List.copyOf(connections);
    } finally {
      lock.unlock();
    }
    closeQuietly(server);
    closeQuietly(measuring);
    for (DirectChannel channel : open) {
      channel.abort("the process stops taking part");
      channel.close();
    }
    connected.forEach(Inbound::close);
    watch.shutdownNow();
    pulse.shutdownNow();
  }

  private record Place(RunKey run, WorkerRank member) {
    boolean isNewerThan(RunKey other) {
      return run.run().equals(other.run()) && run.attempt() > other.attempt();
    }
  }

  /** Whether a channel was found. */
  sealed interface Found {}

  /** It was. */
  record Present(DirectChannel channel) implements Found {}

  /** It was not. */
  record Missing(Refusal reason) implements Found {}
}
