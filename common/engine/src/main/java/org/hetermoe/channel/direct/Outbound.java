package org.hetermoe.channel.direct;

import static java.lang.System.Logger.Level.DEBUG;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.PeerLostException;
import org.hetermoe.channel.PooledFrame;
import org.hetermoe.group.WorkerRank;

/** The way from one member to one peer: a queue, a thread that empties it, and a connection. */
final class Outbound implements Runnable {
  private static final System.Logger LOG = System.getLogger(Outbound.class.getName());
  private static final Duration FIRST_PAUSE = Duration.ofMillis(20);
  private static final Duration LAST_PAUSE = Duration.ofSeconds(1);

  private final DirectChannel channel;
  private final WorkerRank receiver;
  private final InetSocketAddress address;
  private final DirectTransport transport;
  private final Thread thread;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Deque<PooledFrame> queue = new ArrayDeque<>();
  private long queuedBytes;
  private boolean connected;
  private boolean heard;
  private int silentTicks;
  private boolean closing;
  private boolean ended;
  private String failure;
  private ByteChannel wire;

  Outbound(
      DirectChannel channel,
      WorkerRank receiver,
      InetSocketAddress address,
      DirectTransport transport) {
    this.channel = channel;
    this.receiver = receiver;
    this.address = address;
    this.transport = transport;
    this.thread =
        Thread.ofPlatform()
            .name("hetermoe-out-" + channel.self() + "-" + receiver)
            .daemon()
            .unstarted(this);
  }

  void start() {
    thread.start();
  }

  /**
   * Queues a frame; waits while more than a window is queued.
   *
   * @throws ChannelException if the peer cannot be reached; the frame is then the caller's
   */
  void enqueue(PooledFrame frame) throws InterruptedException {
    long bytes = frame.payloadBytes();
    long window = transport.settings().windowBytes();
    lock.lockInterruptibly();
    try {
      while (failure == null && !closing && queuedBytes > 0 && queuedBytes + bytes > window) {
        changed.await();
      }
      if (failure != null) {
        throw new PeerLostException(receiver, failure);
      }
      if (closing) {
        throw new ChannelException("channel of " + channel.self() + " is closed");
      }
      queue.add(frame);
      queuedBytes += bytes;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void run() {
    try (ByteChannel connected = connect()) {
      Thread.ofPlatform()
          .name("hetermoe-hear-" + channel.self() + "-" + receiver)
          .daemon()
          .start(() -> hear(connected));
      for (PooledFrame frame = next(); frame != null; frame = next()) {
        write(connected, frame);
      }
    } catch (IOException e) {
      fail(Sockets.reason(e));
    } catch (InterruptedException e) {
      fail("interrupted");
      Thread.currentThread().interrupt();
    } finally {
      finish();
    }
  }

  /**
   * Reads the peer's keepalives until the connection ends; what that means, the writer finds out.
   */
  private void hear(ByteChannel connected) {
    ByteBuffer bytes = ByteBuffer.allocate(64);
    try {
      setHeard(true);
      while (connected.read(bytes.clear()) >= 0) {
        setHeard(true);
      }
    } catch (IOException e) {
      LOG.log(DEBUG, "{0}: no more keepalives: {1}", this, e.toString());
    } finally {
      setHeard(false);
    }
  }

  private void setHeard(boolean now) {
    lock.lock();
    try {
      heard = now;
      silentTicks = 0;
    } finally {
      lock.unlock();
    }
  }

  /**
   * One more interval has passed; true the first time that the peer has been silent for too many.
   * Counted, and not taken from a clock: a process that was stopped itself, and goes on, first
   * hears what has come meanwhile.
   */
  boolean isSilentFor(int ticks) {
    lock.lock();
    try {
      return heard && failure == null && ++silentTicks == ticks;
    } finally {
      lock.unlock();
    }
  }

  WorkerRank receiver() {
    return receiver;
  }

  private void write(ByteChannel connected, PooledFrame frame) throws IOException {
    long bytes = frame.payloadBytes();
    try (frame) {
      frame.seal(channel.run(), receiver);
      Sockets.writeFully(connected, frame.image());
    }
    written(bytes);
  }

  private ByteChannel connect() throws IOException, InterruptedException {
    long deadline = System.nanoTime() + transport.settings().connectTimeout().toNanos();
    Duration pause = FIRST_PAUSE;
    IOException refused = null;
    while (true) {
      Duration left = Duration.ofNanos(deadline - System.nanoTime());
      try {
        return shakeHands(transport.sockets().connect(address, left), left);
      } catch (IOException e) {
        refused = e instanceof RefusedException ? e : refused;
        LOG.log(DEBUG, "{0} cannot reach {1} yet: {2}", channel.self(), receiver, e.toString());
        if (System.nanoTime() + pause.toNanos() > deadline || isOver()) {
          // That it was refused before says more than that it has no time left now.
          IOException telling = refused == null ? e : refused;
          channel.unreachable(receiver, Sockets.reason(telling));
          throw telling;
        }
      }
      await(pause);
      pause = pause.multipliedBy(2).compareTo(LAST_PAUSE) < 0 ? pause.multipliedBy(2) : LAST_PAUSE;
    }
  }

  private ByteChannel shakeHands(ByteChannel fresh, Duration left) throws IOException {
    ScheduledFuture<?> watch = transport.closeAfter(fresh, left);
    try {
      adopt(fresh);
      Handshake handshake = new Handshake(channel.run(), channel.self(), receiver);
      Sockets.writeFully(fresh, handshake.encode());
      ByteBuffer answer = ByteBuffer.allocate(Handshake.ANSWER_BYTES);
      if (!Sockets.readFully(fresh, answer)) {
        throw new IOException(address + " hung up");
      }
      Optional<String> objection = Handshake.objection(answer.flip());
      if (objection.isPresent()) {
        throw new RefusedException(address + " " + objection.get());
      }
      if (!watch.cancel(false)) {
        throw new IOException(address + " took too long to answer");
      }
      established();
      return fresh;
    } catch (IOException | RuntimeException e) {
      watch.cancel(false);
      fresh.close();
      throw e;
    }
  }

  private void adopt(ByteChannel fresh) throws IOException {
    lock.lock();
    try {
      if (failure != null) {
        throw new IOException(failure);
      }
      wire = fresh;
    } finally {
      lock.unlock();
    }
  }

  private void established() {
    lock.lock();
    try {
      connected = true;
    } finally {
      lock.unlock();
    }
  }

  /** Whether there is no longer anything to connect for. */
  private boolean isOver() {
    lock.lock();
    try {
      return failure != null || (closing && queue.isEmpty());
    } finally {
      lock.unlock();
    }
  }

  private void await(Duration time) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = time.toNanos();
      while (left > 0 && failure == null) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  private PooledFrame next() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (queue.isEmpty() && !closing && failure == null) {
        changed.await();
      }
      return failure == null ? queue.poll() : null;
    } finally {
      lock.unlock();
    }
  }

  private void written(long bytes) {
    lock.lock();
    try {
      queuedBytes -= bytes;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Drops what is queued and the connection; only the first reason counts. */
  void fail(String reason) {
    ByteChannel open;
    lock.lock();
    try {
      if (failure == null) {
        failure = reason;
      }
      open = wire;
      dropQueue();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    transport.closeQuietly(open);
  }

  /** Takes no more frames; what is queued still goes out. */
  void closeWhenEmpty() {
    boolean pointless;
    lock.lock();
    try {
      closing = true;
      pointless = !connected && queue.isEmpty();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (pointless) {
      fail("closed");
    }
  }

  /** Waits until all is out or given up, at most that long; returns whether it is. */
  boolean awaitEnd(long nanos) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = nanos;
      while (!ended && failure == null && left > 0) {
        left = changed.awaitNanos(left);
      }
      return ended || failure != null;
    } finally {
      lock.unlock();
    }
  }

  private void finish() {
    lock.lock();
    try {
      if (failure == null) {
        failure = "closed";
      }
      dropQueue();
      ended = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void dropQueue() {
    queue.forEach(PooledFrame::close);
    queue.clear();
    queuedBytes = 0;
  }

  /** For messages. */
  @Override
  public String toString() {
    return channel.self() + " to " + receiver + " at " + address;
  }

  /** The peer answers and does not want this connection, or not yet. */
  private static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
      super(message);
    }
  }
}
