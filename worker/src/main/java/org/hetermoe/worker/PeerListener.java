package org.hetermoe.worker;

import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.Json;
import org.jboss.logging.Logger;

/** Hears from their heartbeats which workers there are. */
@ApplicationScoped
class PeerListener {
  private static final Logger LOG = Logger.getLogger(PeerListener.class);

  private final LinkReporter links;

  PeerListener(LinkReporter links) {
    this.links = links;
  }

  @Incoming("peers")
  void receive(ConsumerRecord<String, byte[]> record) {
    if (record.value() == null) {
      return;
    }
    try {
      Heartbeat heartbeat = Json.MAPPER.readValue(record.value(), Heartbeat.class);
      if (heartbeat != null
          && heartbeat.worker() != null
          && heartbeat.instance() != null
          && heartbeat.host() != null) {
        links.heard(heartbeat);
      }
    } catch (IOException e) {
      // The coordinator counts and logs it; links can do without.
      LOG.debugf(e, "heartbeat at offset %d cannot be read", record.offset());
    }
  }
}
