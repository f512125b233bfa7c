package org.hetermoe.worker;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.compute.Compute;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.train.GroupMember;
import org.jboss.logging.Logger;

/**
 * The thread on which one member of a run lives: it opens the device, prepares, waits for the
 * start, trains, and closes all it has, the channel included.
 */
final class MemberThread {
  private static final Logger LOG = Logger.getLogger(MemberThread.class);

  /** What the thread reports, on itself. */
  interface Listener {
    /** The member waits for its start. */
    void prepared(MemberThread member);

    /** The thread is over and has closed everything. */
    void ended(MemberThread member, End end);
  }

  /** How a member ended. */
  sealed interface End {
    /** It has done its part. */
    record Done(GroupMember.Outcome outcome) implements End {}

    /** It could not go on. */
    record Broken(Throwable cause) implements End {}
  }

  /** Makes the member once its device is open. */
  @FunctionalInterface
  interface Maker {
    GroupMember make(Compute compute, Channel channel);
  }

  private final WorkerRank peer;
  private final Channel channel;
  private final Supplier<Compute> device;
  private final Maker maker;
  private final Listener listener;
  private final CountDownLatch start = new CountDownLatch(1);
  private final Thread thread;

  private volatile String abortReason;
  private GroupMember member;
  private boolean stopRequested;

  MemberThread(
      WorkerRank peer,
      Channel channel,
      Supplier<Compute> device,
      Maker maker,
      String name,
      Listener listener) {
    this.peer = peer;
    this.channel = channel;
    this.device = device;
    this.maker = maker;
    this.listener = listener;
    this.thread = Thread.ofPlatform().name(name).unstarted(this::live);
  }

  WorkerRank peer() {
    return peer;
  }

  void begin() {
    thread.start();
  }

  void train() {
    start.countDown();
  }

  synchronized void stopAfterStep() {
    stopRequested = true;
    if (member != null) {
      member.stopAfterStep();
    }
  }

  synchronized void rebalance(Placement placement) {
    if (member != null) {
      member.rebalance(placement);
    }
  }

  synchronized int step() {
    return member == null ? 0 : member.step();
  }

  Channel.Traffic traffic() {
    return channel.traffic();
  }

  /** Frees the member where it waits for its peers or its start. */
  void abort(String reason) {
    abortReason = reason;
    channel.abort(reason);
    start.countDown();
  }

  /** Frees the member wherever else it waits: for a file, the coordinator. */
  void interrupt() {
    thread.interrupt();
  }

  boolean join(Duration patience) throws InterruptedException {
    return thread.join(patience);
  }

  private void live() {
    End end;
    try (channel;
        Compute compute = device.get();
        GroupMember made = maker.make(compute, channel)) {
      adopt(made);
      made.prepare();
      listener.prepared(this);
      start.await();
      if (abortReason != null) {
        throw new ChannelException("aborted before the start: " + abortReason);
      }
      end = new End.Done(made.train());
    } catch (InterruptedException e) {
      // The thread ends here: nobody is left to see its interrupt flag.
      end = new End.Broken(e);
    } catch (Exception | Error e) {
      // Errors too: an exhausted heap or a missing native library must reach the coordinator.
      end = new End.Broken(e);
    }
    LOG.debugf("member %s ended: %s", peer, end);
    listener.ended(this, end);
  }

  private synchronized void adopt(GroupMember made) {
    member = made;
    if (stopRequested) {
      made.stopAfterStep();
    }
  }
}
