package org.hetermoe.worker;

import jakarta.inject.Singleton;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.profile.DeviceMemory;
import org.hetermoe.profile.Profiler;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.run.WorkerProfile;
import org.jboss.logging.Logger;

/**
 * Sees to it, once and in the background, that the coordinator has a profile of this worker's
 * device: measures only where there is none yet, and never while another worker on the machine
 * does, nor while this one trains.
 */
@Singleton
class ProfileReporter implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(ProfileReporter.class);
  private static final Duration COORDINATOR_PATIENCE = Duration.ofSeconds(60);
  private static final Duration ARRIVAL_PATIENCE = Duration.ofSeconds(5);
  private static final long PAUSE_MILLIS = 250;
  private static final long NANOS_PER_SIZE = 10_000_000;

  private final WorkerSettings settings;
  private final WorkerIdentity identity;
  private final RunSession session;
  private final KafkaReports reports;
  private final StoredProfiles stored;
  private Thread thread;

  ProfileReporter(
      WorkerSettings settings,
      WorkerIdentity identity,
      RunSession session,
      KafkaReports reports,
      StoredProfiles stored) {
    this.settings = settings;
    this.identity = identity;
    this.session = session;
    this.reports = reports;
    this.stored = stored;
  }

  /** Begins; the device is named as in heartbeats. */
  synchronized void start(String device) {
    thread = Thread.ofPlatform().name("profile").daemon().start(() -> provide(device));
  }

  private void provide(String device) {
    try {
      if (settings.emulate().isPresent()) {
        reports.profile(emulated(device, settings.emulate().get()));
      } else if (!known(device)) {
        measureInTurn(device);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException e) {
      // Runs of this worker are planned without its profile, and say so.
      LOG.errorf(e, "the profile of %s could not be taken", device);
    }
  }

  private WorkerProfile emulated(String device, String name) {
    return new WorkerProfile(
        device,
        identity.softwareVersion(),
        null,
        new WorkerProfile.Emulated(name, settings.emulateTimeScale()),
        now());
  }

  /** Waits for the coordinator's answer; the workers of a stack start beside it. */
  private boolean known(String device) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + COORDINATOR_PATIENCE.toNanos();
    while (true) {
      try {
        return stored.has(device, identity.softwareVersion());
      } catch (IOException e) {
        if (System.nanoTime() > deadline) {
          throw e;
        }
        Thread.sleep(PAUSE_MILLIS);
      }
    }
  }

  private void measureInTurn(String device) throws IOException, InterruptedException {
    Files.createDirectories(settings.dataDirectory());
    Path lock = settings.dataDirectory().resolve("profiling.lock");
    try (FileChannel file =
            FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock _ = turn(file)) {
      if (known(device)) {
        return;
      }
      while (session.state().members().isPresent()) {
        Thread.sleep(PAUSE_MILLIS);
      }
      long start = System.nanoTime();
      reports.profile(measure(device));
      LOG.infof("profile of %s taken in %.1f s", device, (System.nanoTime() - start) * 1e-9);
      // The next in turn asks whether there is one.
      long deadline = System.nanoTime() + ARRIVAL_PATIENCE.toNanos();
      while (!known(device) && System.nanoTime() < deadline) {
        Thread.sleep(PAUSE_MILLIS);
      }
    }
  }

  /**
   * Asks again and again instead of waiting: the system takes processes of which each holds one
   * lock and waits for another for a deadlock, although they are of different threads.
   */
  private static FileLock turn(FileChannel file) throws IOException, InterruptedException {
    FileLock lock = file.tryLock();
    while (lock == null) {
      Thread.sleep(PAUSE_MILLIS);
      lock = file.tryLock();
    }
    return lock;
  }

  private WorkerProfile measure(String device) {
    try (Compute compute = Devices.open(settings.compute(), TrainingThreads.threads(settings))) {
      Profiler profiler = new Profiler(compute, RunSpecReader.defaults().model(), NANOS_PER_SIZE);
      return new WorkerProfile(
          device, identity.softwareVersion(), profiler.measure(DeviceMemory.bytes()), null, now());
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
