package org.hetermoe.channel.kafka;

import static java.lang.System.Logger.Level.WARNING;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
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
  private final byte[] key;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition acknowledged = lock.newCondition();
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
              transport.settings().maxPayloadBytes()));
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
    String topic =
        receiver.role() == WorkerRank.Role.ATTENTION
            ? Topics.ATTENTION_ACTIVATIONS
            : Topics.EXPERT_ACTIVATIONS;
    frame.seal(run, receiver);
    ByteBuffer image = frame.image();
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
      abort("the broker did not take a record: " + error);
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
    } finally {
      lock.unlock();
    }
  }
}
