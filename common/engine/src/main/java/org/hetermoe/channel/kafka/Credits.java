package org.hetermoe.channel.kafka;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.hetermoe.group.WorkerRank;

/**
 * Tells the senders of a member how much of theirs has been let in. One record at a time is on its
 * way to each, so that what is let in meanwhile goes with the next: few records where there is much
 * traffic, and none held back where there is little. Thread-safe.
 */
final class Credits {
  private final BiFunction<WorkerRank, Long, CompletionStage<Void>> publish;
  private final Executor background;
  private final Consumer<Throwable> onFailure;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<WorkerRank, Tally> tallies = new HashMap<>();
  private boolean ended;

  /**
   * Nothing let in yet.
   *
   * @param publish sends a sender its total; may wait, and completes when the broker has taken it
   * @param background where it may wait: neither the consumer's thread nor the broker client's
   * @param onFailure hears that a total was not taken
   */
  Credits(
      BiFunction<WorkerRank, Long, CompletionStage<Void>> publish,
      Executor background,
      Consumer<Throwable> onFailure) {
    this.publish = publish;
    this.background = background;
    this.onFailure = onFailure;
  }

  /** So many bytes more of a sender's have been let in. */
  void letIn(WorkerRank sender, long bytes) {
    lock.lock();
    try {
      if (!ended) {
        Tally tally = tallies.computeIfAbsent(sender, _ -> new Tally());
        tally.letIn += bytes;
        tellLater(sender, tally);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Nothing is let in any more: whoever waits may stop waiting. */
  void end() {
    lock.lock();
    try {
      if (!ended) {
        ended = true;
        tallies.forEach(
            (sender, tally) -> {
              tally.letIn = Credit.UNLIMITED;
              tellLater(sender, tally);
            });
      }
    } finally {
      lock.unlock();
    }
  }

  private void tellLater(WorkerRank sender, Tally tally) {
    if (!tally.underWay) {
      tally.underWay = true;
      background.execute(() -> tell(sender, tally));
    }
  }

  private void tell(WorkerRank sender, Tally tally) {
    long total = total(tally);
    CompletionStage<Void> published;
    try {
      published = publish.apply(sender, total);
    } catch (RuntimeException e) {
      told(sender, tally, total, e);
      return;
    }
    CompletionStage<Void> _ = published.whenComplete((_, e) -> told(sender, tally, total, e));
  }

  private long total(Tally tally) {
    lock.lock();
    try {
      return tally.letIn;
    } finally {
      lock.unlock();
    }
  }

  private void told(WorkerRank sender, Tally tally, long total, Throwable failure) {
    boolean tellOwner = false;
    lock.lock();
    try {
      tally.underWay = false;
      if (failure != null) {
        tellOwner = !ended;
      } else if (tally.letIn > total) {
        tellLater(sender, tally);
      }
    } finally {
      lock.unlock();
    }
    if (tellOwner) {
      onFailure.accept(failure);
    }
  }

  /** Of one sender. */
  private static final class Tally {
    long letIn;
    boolean underWay;
  }
}
