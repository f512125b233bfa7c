package org.hetermoe.coordinator.broker;

import com.fasterxml.jackson.core.JacksonException;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Predicate;
import org.hetermoe.run.Json;
import org.jboss.logging.Logger;

/**
 * Takes messages of the broker: those that cannot be read are counted, logged and passed over;
 * those that can are handled until the database takes the result, or this process ends.
 */
@ApplicationScoped
public class Messages {
  private static final Logger LOG = Logger.getLogger(Messages.class);
  private static final int EXCERPT = 200;
  private static final int ATTEMPTS = 3;
  private static final long FIRST_PAUSE_MILLIS = 100;
  private static final long LONGEST_PAUSE_MILLIS = 5_000;

  /** How long the end of this process waits for what is being stored. */
  private static final long END_MILLIS = 5_000;

  private final MeterRegistry meters;

  /** Open once this process ends. */
  private final CountDownLatch ending = new CountDownLatch(1);

  /** Shared by those that store; the end takes it for itself. */
  private final ReentrantReadWriteLock storing = new ReentrantReadWriteLock();

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
   * Does what a message asks for. What cannot be stored now, whatever the reason, is tried again
   * until it can: its offset is not committed before. Only what can never be stored is given up
   * after a few tries, counted and logged, so that the stream goes on.
   *
   * @param work a transaction that may be done twice
   * @throws MessageLeftException if this process ends before; the message stays with the broker
   */
  public void handle(String topic, Object message, Runnable work) {
    long pause = FIRST_PAUSE_MILLIS;
    for (int attempt = 1; ; attempt++) {
      try {
        doUnlessEnding(work);
        return;
      } catch (MessageLeftException e) {
        throw e;
      } catch (RuntimeException e) {
        if (StoreFailure.lasting(e) && attempt >= ATTEMPTS) {
          meters.counter("hetermoe.messages.failed", "topic", topic).increment();
          LOG.errorf(e, "A message of %s can never be stored and is given up: %s", topic, message);
          return;
        }
        LOG.warnf(
            "Messages of %s wait, for one could not be stored (try %d): %s",
            topic, attempt, e.getMessage());
      }
      pause(pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
    }
  }

  /**
   * Nothing is stored any more once this returns, so that the database can be closed: what comes
   * later is left to the next coordinator.
   */
  void onStop(@Observes ShutdownEvent stop) throws InterruptedException {
    ending.countDown();
    if (!storing.writeLock().tryLock(END_MILLIS, TimeUnit.MILLISECONDS)) {
      LOG.warn("A message is still being stored; the process ends all the same");
    }
  }

  private void doUnlessEnding(Runnable work) {
    // Once the end has it, nobody gets it any more: whoever waited would hold the end up.
    if (!storing.readLock().tryLock()) {
      throw new MessageLeftException();
    }
    try {
      if (ending.getCount() == 0) {
        throw new MessageLeftException();
      }
      work.run();
    } finally {
      storing.readLock().unlock();
    }
  }

  private void pause(long millis) {
    try {
      if (ending.await(millis, TimeUnit.MILLISECONDS)) {
        throw new MessageLeftException();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new MessageLeftException();
    }
  }

  private void refuse(String topic, String problem, String excerpt) {
    meters.counter("hetermoe.messages.refused", "topic", topic).increment();
    LOG.warnf("Refused a message of %s: %s: %s", topic, problem, excerpt);
  }

  private static String excerpt(byte[] value) {
    return new String(value, 0, Math.min(value.length, EXCERPT), StandardCharsets.UTF_8)
        .replaceAll("\\p{Cntrl}", " ");
  }
}
