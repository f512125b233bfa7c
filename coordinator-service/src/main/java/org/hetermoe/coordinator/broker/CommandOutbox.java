package org.hetermoe.coordinator.broker;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.kafka.Record;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.persistence.EntityManager;
import jakarta.transaction.Transactional;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.hetermoe.run.Command;
import org.hetermoe.run.Json;
import org.jboss.logging.Logger;

/**
 * Commands on their way to the broker. A command is stored in the transaction that decides it and
 * sent once that is committed, in order, at least once: a coordinator or broker that goes away in
 * between loses none.
 */
@ApplicationScoped
public class CommandOutbox {
  private static final Logger LOG = Logger.getLogger(CommandOutbox.class);
  private static final Duration SEND_TIMEOUT = Duration.ofSeconds(10);
  private static final int BATCH = 100;

  private final EntityManager entities;
  private final MutinyEmitter<Record<String, String>> commands;
  private final Event<CommandRefused> refusals;
  private final Timer sends;
  private final ReentrantLock oneSender = new ReentrantLock();

  CommandOutbox(
      EntityManager entities,
      @Channel("commands") MutinyEmitter<Record<String, String>> commands,
      Event<CommandRefused> refusals,
      MeterRegistry meters) {
    this.entities = entities;
    this.commands = commands;
    this.refusals = refusals;
    this.sends = meters.timer("hetermoe.commands.sent");
  }

  /** Stores a command; call {@link #send} after the transaction. */
  @Transactional(Transactional.TxType.MANDATORY)
  public void add(Command command) {
    try {
      entities.persist(
          new OutboxCommand(
              command.instance(),
              Json.MAPPER.writerFor(Command.class).writeValueAsString(command),
              Instant.now()));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a command could not be written as JSON", e);
    }
  }

  /**
   * Sends what is stored. Whatever cannot be sent now stays for the next call; what can never be
   * sent, because it is too large, is removed and its run told. Returns without waiting where
   * another thread is sending.
   */
  public void send() {
    // A command added while another thread sends is seen by its next look, or by the next tick.
    while (oneSender.tryLock()) {
      try {
        List<OutboxCommand> batch = QuarkusTransaction.requiringNew().call(this::oldest);
        if (batch.isEmpty()) {
          return;
        }
        for (OutboxCommand command : batch) {
          send(command);
        }
      } catch (RuntimeException e) {
        LOG.warnf(e, "Commands wait for the broker");
        return;
      } finally {
        oneSender.unlock();
      }
    }
  }

  private void send(OutboxCommand command) {
    long begin = System.nanoTime();
    try {
      commands.send(Record.of(command.key(), command.command())).await().atMost(SEND_TIMEOUT);
    } catch (RuntimeException e) {
      if (!tooLarge(e)) {
        throw e;
      }
      QuarkusTransaction.requiringNew().run(() -> refuse(command));
      return;
    }
    QuarkusTransaction.requiringNew().run(() -> remove(command));
    sends.record(Duration.ofNanos(System.nanoTime() - begin));
  }

  /** Whether a command will never be taken, by this process's producer or by the broker. */
  private static boolean tooLarge(Throwable problem) {
    for (Throwable cause = problem; cause != null; cause = cause.getCause()) {
      if (cause instanceof RecordTooLargeException) {
        return true;
      }
    }
    return false;
  }

  /** Takes a command that can never be sent out of the way of the others, and says so. */
  private void refuse(OutboxCommand stored) {
    Command command = stored.read();
    remove(stored);
    refusals.fire(
        new CommandRefused(
            command.run(),
            command.attempt(),
            "a command to its workers (%s) has %d bytes, more than the broker takes"
                .formatted(
                    command.getClass().getSimpleName().toLowerCase(Locale.ROOT),
                    stored.command().length())));
  }

  private List<OutboxCommand> oldest() {
    return entities
        .createQuery("from OutboxCommand order by id", OutboxCommand.class)
        .setMaxResults(BATCH)
        .getResultList();
  }

  private void remove(OutboxCommand command) {
    entities
        .createQuery("delete from OutboxCommand where id = :id")
        .setParameter("id", command.id())
        .executeUpdate();
  }
}
