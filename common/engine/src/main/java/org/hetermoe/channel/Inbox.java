package org.hetermoe.channel;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.hetermoe.group.WorkerRank;

/**
 * The frames that have arrived at one worker and wait to be received, by key.
 *
 * <p>Back-pressure: a transport asks for room before it takes a frame in and waits while a window
 * of bytes is unread. Three exceptions keep this from waiting for ever: a frame larger than the
 * window gets in when nothing else is there; while the worker waits for a sender's frame that has
 * not arrived, that sender's frames get in whatever is unread, as the one waited for may be behind
 * them; and while the worker itself sends, everybody's frames get in, as its receiver may be held
 * up in sending to it.
 *
 * <p>Thread-safe. Meant for one receiving thread and any number of delivering ones.
 */
public final class Inbox {
  /** Bytes that may be unread unless told otherwise: 256 MiB. */
  public static final long DEFAULT_WINDOW_BYTES = 256L << 20;

  /** How many steps back keys are remembered, to tell a frame that comes twice. */
  static final int REMEMBERED_STEPS = 8;

  /** Whom a window holds for. */
  public enum WindowScope {
    /** Each sender has its own: each comes on a connection of its own. */
    EACH_SENDER,
    /** All senders share one: all come through the same pipe, so one would hold up the others. */
    ALL_SENDERS
  }

  private final WorkerRank self;
  private final long windowBytes;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<WorkerRank, Lane> lanes = new HashMap<>();
  private String failure;
  private boolean closed;
  private boolean sending;

  /**
   * @param self whose inbox it is
   * @param senders from whom frames may come
   * @param windowBytes payload bytes that may be unread
   */
  public Inbox(
      WorkerRank self, Collection<WorkerRank> senders, long windowBytes, WindowScope scope) {
    if (windowBytes < 1) {
      throw new IllegalArgumentException("window must be at least 1 byte, is " + windowBytes);
    }
    this.self = self;
    this.windowBytes = windowBytes;
    Window shared = new Window();
    for (WorkerRank sender : senders) {
      lanes.put(sender, new Lane(sender, scope == WindowScope.ALL_SENDERS ? shared : new Window()));
    }
  }

  /** Whether frames may come from {@code sender}. */
  public boolean expects(WorkerRank sender) {
    return lanes.containsKey(sender);
  }

  /**
   * Waits until {@code bytes} more may come from {@code sender}, and sets them aside.
   *
   * @throws ChannelException if the inbox was aborted or closed
   * @throws PeerLostException if the sender is lost
   */
  public void reserve(WorkerRank sender, long bytes) throws InterruptedException {
    Lane lane = lane(sender);
    lock.lockInterruptibly();
    try {
      Window window = lane.window;
      while (true) {
        checkAlive();
        checkPresent(lane);
        if (window.isOpen(bytes)) {
          window.unread += bytes;
          return;
        }
        window.room.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Gives back what {@link #reserve} set aside: no frame came of it. */
  public void unreserve(WorkerRank sender, long bytes) {
    lock.lock();
    try {
      free(lane(sender).window, bytes);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Puts a frame in, for which room was reserved, and takes it over, whatever happens.
   *
   * @return why it was refused; empty if it was not
   * @throws ChannelException if the inbox was aborted or closed
   */
  public Optional<Refusal> deliver(PooledFrame frame) {
    Lane lane = lane(frame.key().sender());
    lock.lock();
    try {
      if (failure != null || closed) {
        frame.close();
        checkAlive();
      }
      Optional<Refusal> refusal = lane.refusal(frame.key());
      if (refusal.isPresent()) {
        free(lane.window, frame.payloadBytes());
        frame.close();
      } else {
        lane.unread.put(frame.key(), frame);
        lane.arrived.signalAll();
      }
      return refusal;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for a frame.
   *
   * @throws ChannelException if the inbox was aborted or closed
   * @throws PeerLostException if the sender is lost
   * @throws IllegalStateException if that frame was received before
   */
  public PooledFrame receive(FrameKey key) throws InterruptedException {
    Lane lane = lane(key.sender());
    lock.lockInterruptibly();
    try {
      if (lane.wasRead(key)) {
        throw new IllegalStateException(self + " has received " + key + " before");
      }
      lane.window.waiting++;
      try {
        while (true) {
          checkAlive();
          PooledFrame frame = lane.unread.remove(key);
          if (frame != null) {
            lane.remember(key);
            free(lane.window, frame.payloadBytes());
            return frame;
          }
          checkPresent(lane);
          lane.window.room.signalAll();
          lane.arrived.await();
        }
      } finally {
        lane.window.waiting--;
      }
    } finally {
      lock.unlock();
    }
  }

  /** The worker begins to send, or has ended: while it does, it cannot receive. */
  void setSending(boolean now) {
    lock.lock();
    try {
      sending = now;
      if (now) {
        lanes.values().forEach(lane -> lane.window.room.signalAll());
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Nothing more will come from {@code sender}. What has come can still be received.
   *
   * @param reason ends up in the exceptions of those who wait
   */
  public void lose(WorkerRank sender, String reason) {
    Objects.requireNonNull(reason);
    lock.lock();
    try {
      Lane lane = lane(sender);
      if (lane.lost == null) {
        lane.lost = reason;
      }
      lane.arrived.signalAll();
      lane.window.room.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Fails all waiting and future calls with {@code reason}; only the first counts. */
  public void abort(String reason) {
    Objects.requireNonNull(reason);
    lock.lock();
    try {
      if (failure == null) {
        failure = reason;
      }
      wakeAll();
    } finally {
      lock.unlock();
    }
  }

  /** Fails all waiting and future calls, and frees what was not received. */
  public void close() {
    lock.lock();
    try {
      closed = true;
      for (Lane lane : lanes.values()) {
        lane.unread.values().forEach(PooledFrame::close);
        lane.unread.clear();
      }
      wakeAll();
    } finally {
      lock.unlock();
    }
  }

  /** Throws if aborted or closed. */
  public void checkAlive() {
    lock.lock();
    try {
      if (failure != null) {
        throw new ChannelException("channel of " + self + " was aborted: " + failure);
      }
      if (closed) {
        throw new ChannelException("channel of " + self + " is closed");
      }
    } finally {
      lock.unlock();
    }
  }

  private void checkPresent(Lane lane) {
    if (lane.lost != null) {
      throw new PeerLostException(lane.sender, lane.lost);
    }
  }

  private void wakeAll() {
    for (Lane lane : lanes.values()) {
      lane.arrived.signalAll();
      lane.window.room.signalAll();
    }
  }

  private void free(Window window, long bytes) {
    window.unread -= bytes;
    window.room.signalAll();
  }

  private Lane lane(WorkerRank sender) {
    Lane lane = lanes.get(sender);
    if (lane == null) {
      throw new IllegalArgumentException(sender + " is not a peer of " + self);
    }
    return lane;
  }

  private final class Window {
    final Condition room = lock.newCondition();
    long unread;
    int waiting;

    boolean isOpen(long bytes) {
      return unread == 0 || unread + bytes <= windowBytes || waiting > 0 || sending;
    }
  }

  private final class Lane {
    final WorkerRank sender;
    final Window window;
    final Condition arrived = lock.newCondition();
    final Map<FrameKey, PooledFrame> unread = new HashMap<>();
    final TreeMap<Integer, Set<FrameKey>> read = new TreeMap<>();
    String lost;

    Lane(WorkerRank sender, Window window) {
      this.sender = sender;
      this.window = window;
    }

    Optional<Refusal> refusal(FrameKey key) {
      if (unread.containsKey(key) || wasRead(key)) {
        return Optional.of(Refusal.DUPLICATE);
      }
      return !read.isEmpty() && key.step() <= read.lastKey() - REMEMBERED_STEPS
          ? Optional.of(Refusal.STALE)
          : Optional.empty();
    }

    boolean wasRead(FrameKey key) {
      Set<FrameKey> ofStep = read.get(key.step());
      return ofStep != null && ofStep.contains(key);
    }

    void remember(FrameKey key) {
      read.computeIfAbsent(key.step(), step -> new HashSet<>()).add(key);
      read.headMap(read.lastKey() - REMEMBERED_STEPS, true).clear();
    }
  }
}
