package org.hetermoe.worker;

import com.fasterxml.jackson.databind.JsonNode;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.eclipse.microprofile.reactive.messaging.Incoming;
import org.hetermoe.run.Command;
import org.hetermoe.run.Json;
import org.jboss.logging.Logger;

/**
 * Reads all of the commands topic and passes on what is for this process. A record that cannot be
 * read is logged and counted and holds up nothing.
 */
@ApplicationScoped
class CommandListener {
  private static final Logger LOG = Logger.getLogger(CommandListener.class);
  private static final int SHOWN = 200;

  private final String instance;
  private final CommandLoop commands;
  private final WorkerMeters meters;

  CommandListener(WorkerIdentity identity, CommandLoop commands, WorkerMeters meters) {
    this.instance = identity.instance().toString();
    this.commands = commands;
    this.meters = meters;
  }

  @Incoming("commands")
  void receive(ConsumerRecord<String, byte[]> record) {
    byte[] content = record.value() == null ? new byte[0] : record.value();
    try {
      JsonNode tree = Json.MAPPER.readTree(content);
      // Commands for others are left unread: their assignments can be large.
      if (tree.path("instance").asText().equals(instance)) {
        commands.handle(Json.MAPPER.treeToValue(tree, Command.class));
      } else if (!tree.path("instance").isTextual()) {
        refuse(record, content, "it names no instance");
      }
    } catch (IOException | IllegalArgumentException e) {
      refuse(record, content, FailureMessage.of(e));
    }
  }

  private void refuse(ConsumerRecord<String, byte[]> record, byte[] content, String reason) {
    meters.commandRefused();
    LOG.warnf(
        "command at offset %d refused: %s: %s",
        record.offset(),
        reason,
        new String(content, 0, Math.min(SHOWN, content.length), StandardCharsets.UTF_8));
  }
}
