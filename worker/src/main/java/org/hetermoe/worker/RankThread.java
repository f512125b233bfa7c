package org.hetermoe.worker;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.compute.Compute;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.train.RankTrainer;
import org.hetermoe.train.TrainingEnd;
import org.jboss.logging.Logger;

/**
 * A thread that runs the trainer of one rank on a device of its own: it opens the device, prepares,
 * waits for the start, trains, and closes all it has, the channel included.
 */
final class RankThread {
  private static final Logger LOG = Logger.getLogger(RankThread.class);

  /** What the thread reports, on itself. */
  interface Listener {
    /** The rank waits for its start. */
    void prepared(RankThread thread);

    /**
     * The rank cannot go on. Its channel is still open: others fail when it closes, and what they
     * say then is not the cause.
     */
    void failed(RankThread thread, Throwable cause);

    /** The thread is over and has closed everything. */
    void ended(RankThread thread, End end);
  }

  /** How a rank ended. */
  sealed interface End {
    /** It has done its part. */
    record Done(TrainingEnd outcome) implements End {}

    /** It could not go on. */
    record Broken(Throwable cause) implements End {}
  }

  /** Makes the threads of the ranks that an assignment gives to this process. */
  @FunctionalInterface
  interface Factory {
    /**
     * Threads that have not begun; each owns its channel, open already.
     *
     * @param local the ranks whose process is this one
     * @throws IOException if a channel cannot be opened
     */
    List<RankThread> create(Assignment assignment, List<WorkerRank> local, Listener listener)
        throws IOException, InterruptedException;
  }

  private final WorkerRank rank;
  private final Channel channel;
  private final Supplier<Compute> device;
  private final BiFunction<Compute, Channel, RankTrainer> trainers;
  private final Listener listener;
  private final CountDownLatch start = new CountDownLatch(1);
  private final Thread thread;

  private volatile String abortReason;
  private RankTrainer trainer;
  private boolean stopRequested;

  /**
   * A thread that has not begun.
   *
   * @param channel the rank's end of the group's channel, which the thread closes
   * @param device opens the rank's device
   * @param trainers makes the rank's trainer once its device is open
   * @param name of the thread
   */
  RankThread(
      WorkerRank rank,
      Channel channel,
      Supplier<Compute> device,
      BiFunction<Compute, Channel, RankTrainer> trainers,
      String name,
      Listener listener) {
    this.rank = rank;
    this.channel = channel;
    this.device = device;
    this.trainers = trainers;
    this.listener = listener;
    this.thread = Thread.ofPlatform().name(name).unstarted(this::live);
  }

  WorkerRank rank() {
    return rank;
  }

  void begin() {
    thread.start();
  }

  void train() {
    start.countDown();
  }

  synchronized void stopAfterStep() {
    stopRequested = true;
    if (trainer != null) {
      trainer.stopAfterStep();
    }
  }

  synchronized void rebalance(Placement placement) {
    if (trainer != null) {
      trainer.rebalance(placement);
    }
  }

  synchronized int step() {
    return trainer == null ? 0 : trainer.step();
  }

  Channel.Traffic traffic() {
    return channel.traffic();
  }

  /** Frees the rank where it waits for others or for its start. */
  void abort(String reason) {
    abortReason = reason;
    channel.abort(reason);
    start.countDown();
  }

  /** Frees the rank wherever else it waits: for a file, the coordinator. */
  void interrupt() {
    thread.interrupt();
  }

  boolean join(Duration timeout) throws InterruptedException {
    return thread.join(timeout);
  }

  private void live() {
    End end;
    try (channel) {
      end = work();
      if (end instanceof End.Broken(Throwable cause)) {
        listener.failed(this, cause);
      }
    }
    LOG.debugf("%s ended: %s", rank, end);
    listener.ended(this, end);
  }

  private End work() {
    try (Compute compute = device.get();
        RankTrainer made = trainers.apply(compute, channel)) {
      adopt(made);
      made.prepare();
      listener.prepared(this);
      start.await();
      if (abortReason != null) {
        throw new ChannelException("aborted before the start: " + abortReason);
      }
      return new End.Done(made.train());
    } catch (InterruptedException e) {
      // The thread ends here: nobody is left to see its interrupt flag.
      return new End.Broken(e);
    } catch (Exception | Error e) {
      // Errors too: an exhausted heap or a missing native library must reach the coordinator.
      return new End.Broken(e);
    }
  }

  private synchronized void adopt(RankTrainer made) {
    trainer = made;
    if (stopRequested) {
      made.stopAfterStep();
    }
  }
}
