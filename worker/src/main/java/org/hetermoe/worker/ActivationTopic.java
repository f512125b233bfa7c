package org.hetermoe.worker;

import io.smallrye.common.annotation.Blocking;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import io.smallrye.reactive.messaging.kafka.KafkaConsumer;
import io.smallrye.reactive.messaging.kafka.api.OutgoingKafkaRecordMetadata;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Emitter;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.eclipse.microprofile.reactive.messaging.Metadata;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;
import org.hetermoe.channel.kafka.RecordOutlet;
import org.jboss.logging.Logger;

/**
 * Activations over the broker: what comes on this worker's partition of its role's topic goes to a
 * receiver, what is published goes to the partitions of peers.
 */
@ApplicationScoped
class ActivationTopic implements RecordOutlet {
  /** The incoming channel's name in the configuration. */
  static final String INCOMING = "activations";

  /** The outgoing channel's name in the configuration. */
  static final String OUTGOING = "peer-activations";

  private static final Logger LOG = Logger.getLogger(ActivationTopic.class);

  private final TopicPartition own;
  private final Emitter<byte[]> outgoing;
  private final KafkaClientService clients;
  private final AtomicBoolean asking = new AtomicBoolean();
  private volatile boolean positioned;
  private volatile Receiver receiver = _ -> {};

  /** Takes records. */
  @FunctionalInterface
  interface Receiver {
    /** Takes the value of a record; may wait. */
    void take(byte[] value) throws InterruptedException;
  }

  ActivationTopic(
      WorkerIdentity identity,
      @Channel(OUTGOING) @OnOverflow(OnOverflow.Strategy.UNBOUNDED_BUFFER) Emitter<byte[]> outgoing,
      KafkaClientService clients) {
    this.own = new TopicPartition(identity.activationTopic(), identity.partition());
    this.outgoing = outgoing;
    this.clients = clients;
  }

  /**
   * Whether the consumer knows where its partition ends. Before that, frames sent to this worker
   * could count as past and be lost. Never blocks: asks, and knows the answer at a later call.
   */
  boolean ready() {
    if (!positioned && asking.compareAndSet(false, true)) {
      KafkaConsumer<byte[], byte[]> consumer = clients.getConsumer(INCOMING);
      if (consumer == null) {
        asking.set(false);
        return false;
      }
      consumer
          .runOnPollingThread((Function<Consumer<byte[], byte[]>, Long>) c -> c.position(own))
          .subscribe()
          .with(
              position -> {
                LOG.debugf("activations from offset %d of %s", position, own);
                positioned = true;
              },
              failure -> {
                LOG.debugf(failure, "position in %s not known yet", own);
                asking.set(false);
              });
    }
    return positioned;
  }

  /** Who takes the records of this worker's partition; none before this. */
  void receiver(Receiver next) {
    receiver = next;
  }

  /** In order, off the event loop: a receiver may wait until its member has read. */
  @Incoming(INCOMING)
  @Blocking
  void receive(ConsumerRecords<byte[], byte[]> records) throws InterruptedException {
    for (ConsumerRecord<byte[], byte[]> record : records) {
      if (record.value() != null) {
        receiver.take(record.value());
      }
    }
  }

  @Override
  public CompletionStage<Void> publish(String topic, int partition, byte[] key, byte[] value) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    outgoing.send(
        Message.of(
            value,
            Metadata.of(
                OutgoingKafkaRecordMetadata.<byte[]>builder()
                    .withTopic(topic)
                    .withPartition(partition)
                    .withKey(key)
                    .build()),
            () -> {
              done.complete(null);
              return CompletableFuture.completedFuture(null);
            },
            failure -> {
              done.completeExceptionally(failure);
              return CompletableFuture.completedFuture(null);
            }));
    return done;
  }
}
