package org.hetermoe.channel.kafka;

import static java.lang.System.Logger.Level.WARNING;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.hetermoe.channel.AbstractChannel;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.Inbox;
import org.hetermoe.channel.PooledFrame;
import org.hetermoe.channel.Refusal;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Topics;

/** One member's end by way of a broker. */
final class KafkaChannel extends AbstractChannel {
  private static final System.Logger LOG = System.getLogger(KafkaChannel.class.getName());

  private final KafkaTransport transport;
  private final Map<WorkerRank, Integer> partitions;
  private final Map<WorkerRank, Assembly> assemblies = new TreeMap<>();
  private final Map<WorkerRank, Long> sequences = new HashMap<>();
  private final Credits credits;
  private final byte[] key;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition acknowledged = lock.newCondition();
  private final Condition credited = lock.newCondition();
  private final Map<WorkerRank, Account> accounts = new HashMap<>();
  private long unacknowledged;
  private boolean over;

  KafkaChannel(
      KafkaTransport transport, RunKey run, WorkerRank self, Map<WorkerRank, Integer> partitions) {
    super(
        run,
        self,
        transport.buffers(),
        new Inbox(
            self,
            partitions.keySet(),
            transport.settings().windowBytes(),
            Inbox.WindowScope.ALL_SENDERS));
    this.transport = transport;
    this.partitions = Map.copyOf(partitions);
    this.key = self.toString().getBytes(StandardCharsets.UTF_8);
    this.credits = new Credits(this::tell, transport.background(), this::notTaken);
    // All senders together fill one partition: what it holds unread is a window, too.
    long share = Math.max(1, transport.settings().windowBytes() / Math.max(1, partitions.size()));
    for (WorkerRank peer : partitions.keySet()) {
      assemblies.put(
          peer,
          new Assembly(
              run,
              self,
              peer,
              inbox,
              transport.buffers(),
              transport.refusals(),
              transport.settings().maxPayloadBytes(),
              credits));
      accounts.put(peer, new Account(share));
    }
  }

  RunKey run() {
    return run;
  }

  void accept(PartHeader part, byte[] record) throws InterruptedException {
    Assembly assembly = assemblies.get(part.sender());
    if (assembly == null) {
      transport.refusals().refuse(Refusal.UNKNOWN_SENDER, "record " + part);
      return;
    }
    assembly.accept(part, record);
  }

  @Override
  protected void transmit(WorkerRank receiver, PooledFrame frame) throws InterruptedException {
    Integer partition = partitions.get(receiver);
    if (partition == null) {
      throw new IllegalArgumentException(receiver + " is not a peer of " + self());
    }
    String topic = topic(receiver);
    frame.seal(run, receiver);
    ByteBuffer image = frame.image();
    awaitCredit(accounts.get(receiver), image.limit());
    int partBytes = transport.settings().maxRecordBytes() - PartHeader.BYTES;
    int parts = PartHeader.parts(image.limit(), partBytes);
    long sequence = sequences.merge(receiver, 0L, (last, first) -> last + 1);
    for (int part = 0; part < parts; part++) {
      byte[] value =
          new PartHeader(run, self(), receiver, sequence, part, image.limit(), partBytes)
              .record(image);
      awaitRoom(value.length);
      publish(topic, partition, value);
    }
    frame.close();
  }

  private void publish(String topic, int partition, byte[] value) {
    try {
      var _ =
          transport
              .outlet()
              .publish(topic, partition, key, value)
              .whenComplete((_, error) -> settled(value.length, error));
    } catch (RuntimeException e) {
      settled(value.length, e);
      throw new ChannelException("the broker's client failed", e);
    }
  }

  private static String topic(WorkerRank receiver) {
    return receiver.role() == WorkerRank.Role.ATTENTION
        ? Topics.ATTENTION_ACTIVATIONS
        : Topics.EXPERT_ACTIVATIONS;
  }

  /** Waits until the receiver has let in so much that a window holds what it has not, and these. */
  private void awaitCredit(Account account, long bytes) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (!over && !account.admits(bytes)) {
        credited.await();
      }
      inbox.checkAlive();
      account.sent += bytes;
    } finally {
      lock.unlock();
    }
  }

  /** A receiver has let in so much, all in all. */
  void accept(Credit credit) {
    Account account = accounts.get(credit.from());
    if (account == null) {
      transport.refusals().refuse(Refusal.UNKNOWN_SENDER, credit.toString());
      return;
    }
    lock.lock();
    try {
      account.letIn = Math.max(account.letIn, credit.bytes());
      credited.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Tells a sender what has been let in of its frames. */
  private CompletionStage<Void> tell(WorkerRank sender, long bytes) {
    return transport
        .outlet()
        .publish(
            topic(sender),
            partitions.get(sender),
            key,
            new Credit(run, self(), sender, bytes).record());
  }

  private void notTaken(Throwable error) {
    abort("the broker did not take a record: " + error);
  }

  private void awaitRoom(int bytes) throws InterruptedException {
    long window = transport.settings().unacknowledgedBytes();
    lock.lockInterruptibly();
    try {
      while (!over && unacknowledged > 0 && unacknowledged + bytes > window) {
        acknowledged.await();
      }
      inbox.checkAlive();
      unacknowledged += bytes;
    } finally {
      lock.unlock();
    }
  }

  private void settled(int bytes, Throwable error) {
    if (error != null) {
      // What follows would leave a gap at the receiver: the channel is of no more use.
      notTaken(error);
    }
    lock.lock();
    try {
      unacknowledged -= bytes;
      acknowledged.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void abort(String reason) {
    inbox.abort(reason);
    end();
  }

  @Override
  public void close() {
    try {
      if (!awaitAcknowledgements()) {
        LOG.log(WARNING, "{0}: the broker did not take all that was sent in time", self());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    inbox.close();
    end();
    credits.end();
    transport.forget(this);
    assemblies.values().forEach(Assembly::end);
  }

  private boolean awaitAcknowledgements() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long left = transport.settings().closeTimeout().toNanos();
      while (!over && unacknowledged > 0 && left > 0) {
        left = acknowledged.awaitNanos(left);
      }
      return over || unacknowledged == 0;
    } finally {
      lock.unlock();
    }
  }

  private void end() {
    lock.lock();
    try {
      over = true;
      acknowledged.signalAll();
      credited.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** How far the frames to one receiver are, in bytes with their headers. */
  private static final class Account {
    private final long window;
    long sent;
    long letIn;

    Account(long window) {
      this.window = window;
    }

    /** A frame larger than the window goes alone. */
    boolean admits(long bytes) {
      long underWay = sent - letIn;
      return underWay <= 0 || underWay + bytes <= window;
    }
  }
}
