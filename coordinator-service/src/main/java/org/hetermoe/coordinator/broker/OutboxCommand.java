package org.hetermoe.coordinator.broker;

import com.fasterxml.jackson.core.JsonProcessingException;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.UUID;
import org.hetermoe.run.Command;
import org.hetermoe.run.Json;

/** A command that is decided but not yet with the broker. */
@Entity
@Table(name = "command_outbox")
class OutboxCommand {
  @Id
  @GeneratedValue(strategy = GenerationType.IDENTITY)
  private Long id;

  @Column(nullable = false)
  private UUID instance;

  @Column(nullable = false)
  private String command;

  @Column(name = "created_at", nullable = false)
  private Instant createdAt;

  protected OutboxCommand() {}

  OutboxCommand(UUID instance, String command, Instant createdAt) {
    this.instance = instance;
    this.command = command;
    this.createdAt = createdAt;
  }

  Long id() {
    return id;
  }

  String key() {
    return instance.toString();
  }

  String command() {
    return command;
  }

  Command read() {
    try {
      return Json.MAPPER.readValue(command, Command.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a stored command cannot be read", e);
    }
  }

  Instant createdAt() {
    return createdAt;
  }
}
