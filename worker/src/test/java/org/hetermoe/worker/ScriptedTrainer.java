package org.hetermoe.worker;

import java.util.concurrent.CountDownLatch;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.FrameKey;
import org.hetermoe.channel.Phase;
import org.hetermoe.channel.Subject;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.train.RankTrainer;
import org.hetermoe.train.TrainingEnd;

/** A rank's trainer that does as its test says. */
final class ScriptedTrainer implements RankTrainer {
  /** One phase of a trainer's life. */
  @FunctionalInterface
  interface Act {
    void perform(ScriptedTrainer member) throws InterruptedException;
  }

  static final Act NOTHING = _ -> {};

  final CountDownLatch preparing = new CountDownLatch(1);
  final CountDownLatch training = new CountDownLatch(1);
  final CountDownLatch mayPrepare = new CountDownLatch(1);
  final CountDownLatch mayFinish = new CountDownLatch(1);
  final CountDownLatch stopped = new CountDownLatch(1);
  final CountDownLatch closed = new CountDownLatch(1);

  private final Channel channel;
  private final Act prepare;
  private final Act train;
  private volatile int step;

  ScriptedTrainer(Channel channel, Act prepare, Act train) {
    this.channel = channel;
    this.prepare = prepare;
    this.train = train;
  }

  /** Waits for a frame that no one sends: only an aborted channel frees it. */
  static void waitForPeer(ScriptedTrainer member) throws InterruptedException {
    WorkerRank peer =
        member.channel.self().role() == WorkerRank.Role.EXPERT
            ? WorkerRank.attention(0)
            : WorkerRank.expert(0);
    member
        .channel
        .receive(new FrameKey(Phase.DISPATCH, 1, new Subject.MicroBatch(0, 0), peer))
        .close();
  }

  WorkerRank rank() {
    return channel.self();
  }

  void reach(int newStep) {
    step = newStep;
  }

  @Override
  public void prepare() throws InterruptedException {
    preparing.countDown();
    prepare.perform(this);
  }

  @Override
  public TrainingEnd train() throws InterruptedException {
    training.countDown();
    train.perform(this);
    return new TrainingEnd(step, stopped.getCount() == 0);
  }

  @Override
  public void stopAfterStep() {
    stopped.countDown();
  }

  @Override
  public void rebalance(Placement placement) {
    throw new UnsupportedOperationException("no test moves experts");
  }

  @Override
  public int step() {
    return step;
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
