package org.hetermoe.worker;

import io.smallrye.common.annotation.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.eclipse.microprofile.reactive.messaging.Incoming;

/** What {@link ActivationTopic} is to the expert worker, for an attention worker in its place. */
@ApplicationScoped
class AttentionTopicConsumer {
  private volatile ActivationTopic.Receiver receiver = _ -> {};

  void receiver(ActivationTopic.Receiver next) {
    receiver = next;
  }

  @Incoming("attention-side")
  @Blocking
  void receive(ConsumerRecords<byte[], byte[]> records) throws InterruptedException {
    for (ConsumerRecord<byte[], byte[]> record : records) {
      receiver.take(record.value());
    }
  }
}
