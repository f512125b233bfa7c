package org.hetermoe.coordinator.worker;

import io.smallrye.common.annotation.Identifier;
import io.smallrye.reactive.messaging.kafka.KafkaConsumerRebalanceListener;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.Collection;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;

/** Tells the roster from when to when this process can hear heartbeats. */
@ApplicationScoped
@Identifier("heartbeats")
class HeartbeatAssignment implements KafkaConsumerRebalanceListener {
  private final Roster roster;

  HeartbeatAssignment(Roster roster) {
    this.roster = roster;
  }

  @Override
  public void onPartitionsAssigned(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
    if (!partitions.isEmpty()) {
      roster.listen();
    }
  }

  @Override
  public void onPartitionsRevoked(Consumer<?, ?> consumer, Collection<TopicPartition> partitions) {
    if (!partitions.isEmpty()) {
      roster.listenNoMore();
    }
  }
}
