package org.hetermoe.worker;

import jakarta.inject.Singleton;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.ClientSettings;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RetryPolicy;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.profile.DeviceMemory;
import org.hetermoe.profile.Profiler;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.run.WorkerProfile;
import org.hetermoe.tensor.DType;
import org.jboss.logging.Logger;

/**
 * Sees to it, once and in the background, that the coordinator has a profile of this worker's
 * device in each type that it computes in: measures only where there is none yet, and never while
 * another worker on the machine does, nor while this one trains. What fails is tried again until
 * the coordinator has it.
 */
@Singleton
class ProfileReporter implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(ProfileReporter.class);
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration ARRIVAL_TIMEOUT = Duration.ofSeconds(5);
  private static final long PAUSE_MILLIS = 250;

  /** Before the second attempt; doubles with each. */
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);

  /** A measurement that fails disturbs other work for seconds each time. */
  private static final Duration LAST_PAUSE = Duration.ofMinutes(5);

  /** The workers of a stack start beside the coordinator; runs wait for their profiles. */
  private static final RetryPolicy RETRY =
      new RetryPolicy(
          Duration.ofSeconds(60), Duration.ofMillis(PAUSE_MILLIS), Duration.ofMillis(PAUSE_MILLIS));

  private static final long NANOS_PER_SIZE = 10_000_000;

  private final WorkerSettings settings;
  private final WorkerIdentity identity;
  private final CommandLoop commands;
  private final MeasuringTurn turns;
  private final KafkaReports reports;
  private final ClientSettings coordinator;

  /** What was measured, so that it can be sent again; the reporter's own thread uses it. */
  private final Map<DType, WorkerProfile> measured = new EnumMap<>(DType.class);

  private Thread thread;

  ProfileReporter(
      WorkerSettings settings,
      WorkerIdentity identity,
      CommandLoop commands,
      MeasuringTurn turns,
      KafkaReports reports,
      ClientSettings coordinator) {
    this.settings = settings;
    this.identity = identity;
    this.commands = commands;
    this.turns = turns;
    this.reports = reports;
    this.coordinator = coordinator.withRequestTimeout(REQUEST_TIMEOUT).withRetry(RETRY);
  }

  /**
   * Begins.
   *
   * @param device named as in heartbeats
   * @param types that it computes in
   */
  synchronized void start(String device, List<DType> types) {
    thread = Thread.ofPlatform().name("profile").daemon().start(() -> provide(device, types));
  }

  private void provide(String device, List<DType> types) {
    Deque<DType> missing = new ArrayDeque<>(types);
    Duration pause = FIRST_PAUSE;
    try (CoordinatorClient client = new CoordinatorClient(coordinator)) {
      while (!missing.isEmpty()) {
        DType type = missing.removeFirst();
        try {
          provide(client, WorkerProfile.name(device, type), type);
          pause = FIRST_PAUSE;
        } catch (IOException | ExecutionException | RuntimeException e) {
          // Until then, runs of this worker are planned without its profile, and say so.
          LOG.warnf(
              "the coordinator has no profile of %s yet; tried again in %.1f s: %s",
              WorkerProfile.name(device, type), pause.toMillis() * 1e-3, FailureMessage.of(e));
          missing.addLast(type);
          Thread.sleep(pause);
          pause =
              pause.multipliedBy(2).compareTo(LAST_PAUSE) < 0 ? pause.multipliedBy(2) : LAST_PAUSE;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void provide(CoordinatorClient client, String name, DType type)
      throws IOException, InterruptedException, ExecutionException {
    if (settings.emulate().isPresent()) {
      send(emulated(name, settings.emulate().get()));
    } else if (!known(client, name)) {
      measureInTurn(client, name, type);
    }
  }

  /** Returns once the broker has it. */
  private void send(WorkerProfile profile) throws InterruptedException, ExecutionException {
    reports.profile(profile).toCompletableFuture().get();
  }

  private WorkerProfile emulated(String device, String name) {
    return new WorkerProfile(
        device,
        identity.softwareVersion(),
        null,
        new WorkerProfile.Emulated(name, settings.emulateTimeScale()),
        now());
  }

  private boolean known(CoordinatorClient client, String device)
      throws ApiException, InterruptedException {
    return !client.profiles(device, identity.softwareVersion()).isEmpty();
  }

  private void measureInTurn(CoordinatorClient client, String device, DType type)
      throws IOException, InterruptedException, ExecutionException {
    try (MeasuringTurn.Turn _ = turns.take()) {
      if (known(client, device)) {
        return;
      }
      if (!measured.containsKey(type)) {
        while (commands.current().isPresent()) {
          Thread.sleep(PAUSE_MILLIS);
        }
        long start = System.nanoTime();
        measured.put(type, measure(device, type));
        LOG.infof("profile of %s taken in %.1f s", device, (System.nanoTime() - start) * 1e-9);
      }
      send(measured.get(type));
      // The next in turn asks whether there is one.
      long deadline = System.nanoTime() + ARRIVAL_TIMEOUT.toNanos();
      while (!known(client, device)) {
        if (System.nanoTime() > deadline) {
          throw new IOException("the broker has it, and the coordinator has not stored it");
        }
        Thread.sleep(PAUSE_MILLIS);
      }
    }
  }

  private WorkerProfile measure(String device, DType type) {
    try (Compute compute = Devices.open(settings.compute(), RankThreadFactory.threads(settings))) {
      Profiler profiler =
          new Profiler(compute, RunSpecReader.defaults().model(), type, NANOS_PER_SIZE);
      return new WorkerProfile(
          device,
          identity.softwareVersion(),
          profiler.measure(DeviceMemory.of(compute)),
          null,
          now());
    }
  }

  private static Instant now() {
    return Instant.now().truncatedTo(ChronoUnit.MICROS);
  }

  @Override
  public synchronized void close() {
    if (thread != null) {
      thread.interrupt();
    }
  }
}
