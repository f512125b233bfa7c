package org.hetermoe.channel.kafka;

import java.util.concurrent.CompletionStage;

/** Where records leave for the broker; thread-safe. */
@FunctionalInterface
public interface RecordOutlet {
  /**
   * Publishes a record. Records of one thread to one partition must arrive in order.
   *
   * @return completes when the broker has taken it, fails when it will not
   */
  CompletionStage<Void> publish(String topic, int partition, byte[] key, byte[] value);
}
