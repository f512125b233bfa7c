package org.hetermoe.coordinator.broker;

import com.fasterxml.jackson.core.JacksonException;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.hetermoe.run.Json;
import org.hibernate.exception.JDBCConnectionException;
import org.jboss.logging.Logger;

/**
 * Takes messages of the broker: those that cannot be read are counted, logged and passed over;
 * those that can are handled until the database takes the result.
 */
@ApplicationScoped
public class Messages {
  private static final Logger LOG = Logger.getLogger(Messages.class);
  private static final int EXCERPT = 200;
  private static final int ATTEMPTS = 3;
  private static final long PAUSE_MILLIS = 1_000;

  private final MeterRegistry meters;

  Messages(MeterRegistry meters) {
    this.meters = meters;
  }

  /**
   * Reads a message; empty where it cannot be read as {@code type}.
   *
   * @param complete whether all that must be there is
   */
  public <T> Optional<T> read(
      String topic, byte[] value, Class<T> type, Predicate<? super T> complete) {
    if (value == null) {
      refuse(topic, "it has no content", "");
      return Optional.empty();
    }
    try {
      T message = Json.MAPPER.readValue(value, type);
      if (message != null && complete.test(message)) {
        return Optional.of(message);
      }
      refuse(topic, "something is missing", excerpt(value));
    } catch (JacksonException e) {
      refuse(topic, e.getOriginalMessage(), excerpt(value));
    } catch (IOException e) {
      refuse(topic, e.getMessage(), excerpt(value));
    }
    return Optional.empty();
  }

  /**
   * Does what a message asks for. While the database is away it waits, so that nothing is lost;
   * where anything else goes wrong several times, that is counted and logged, and the stream goes
   * on.
   *
   * @param work a transaction that may be done twice
   */
  public void handle(String topic, Object message, Runnable work) {
    for (int attempt = 1; ; attempt++) {
      try {
        work.run();
        return;
      } catch (RuntimeException e) {
        if (databaseAway(e)) {
          LOG.warnf("The database is away, messages of %s wait: %s", topic, e.getMessage());
        } else if (attempt >= ATTEMPTS) {
          meters.counter("hetermoe.messages.failed", "topic", topic).increment();
          LOG.errorf(e, "A message of %s could not be handled: %s", topic, message);
          return;
        }
      }
      try {
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while a message waited", e);
      }
    }
  }

  private void refuse(String topic, String problem, String excerpt) {
    meters.counter("hetermoe.messages.refused", "topic", topic).increment();
    LOG.warnf("Refused a message of %s: %s: %s", topic, problem, excerpt);
  }

  private static boolean databaseAway(Throwable problem) {
    for (Throwable cause = problem; cause != null; cause = cause.getCause()) {
      if (cause instanceof JDBCConnectionException
          || cause instanceof java.sql.SQLTransientException
          || cause instanceof java.sql.SQLRecoverableException
          || (cause instanceof java.sql.SQLException sql && connectionState(sql.getSQLState()))) {
        return true;
      }
    }
    return false;
  }

  /**
   * SQLSTATE classes 08 (connection exception) and 57P (server is shutting down or starting); none
   * where the pool had no connection to give.
   */
  private static boolean connectionState(String state) {
    return state == null || state.startsWith("08") || state.startsWith("57P");
  }

  private static String excerpt(byte[] value) {
    return new String(value, 0, Math.min(value.length, EXCERPT), StandardCharsets.UTF_8)
        .replaceAll("\\p{Cntrl}", " ");
  }
}
