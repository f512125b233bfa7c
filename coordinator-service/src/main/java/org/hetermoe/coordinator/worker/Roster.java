package org.hetermoe.coordinator.worker;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.hetermoe.group.RunKey;
import org.hetermoe.run.Heartbeat;

/**
 * Who lives, by the heartbeats that this process has seen. Silence only counts while this process
 * could have heard something: not before it reads heartbeats, while it was suspended or while the
 * broker was away. Safe for several threads.
 */
@ApplicationScoped
public class Roster {
  private static final long LOST_AFTER_NANOS =
      TimeUnit.MILLISECONDS.toNanos(Heartbeat.LOST_AFTER_MILLIS);

  private final LongSupplier clock;
  private final Map<String, Sighting> sightings = new ConcurrentHashMap<>();
  private final AtomicLong listeningSince;
  private volatile boolean listening;

  Roster() {
    this(System::nanoTime);
  }

  Roster(LongSupplier clock) {
    this.clock = clock;
    this.listeningSince = new AtomicLong(clock.getAsLong());
  }

  /**
   * When a worker was last heard of.
   *
   * @param heartbeat what it said
   * @param at wall-clock time, for people
   * @param nanos when it was heard
   * @param sinceNanos since when it has been the same process on the same run
   */
  record Sighting(Heartbeat heartbeat, Instant at, long nanos, long sinceNanos) {}

  /** How it stands with the process that a run counts on. */
  public enum Presence {
    /** It works on the run, or its silence is still short. */
    PRESENT,
    /** It has been silent for {@link Heartbeat#LOST_AFTER_MILLIS}. */
    SILENT,
    /** Another process goes by its worker's id. */
    REPLACED,
    /** It lives, but has not worked on the run for {@link Heartbeat#LOST_AFTER_MILLIS}. */
    ELSEWHERE
  }

  /** Takes in a heartbeat; true if it tells anything new but that the worker still lives. */
  boolean note(Heartbeat heartbeat) {
    long now = clock.getAsLong();
    boolean[] news = new boolean[1];
    sightings.compute(
        heartbeat.worker(),
        (worker, last) -> {
          boolean same = last != null && same(last.heartbeat(), heartbeat);
          news[0] = !same || lost(last, now);
          return new Sighting(heartbeat, Instant.now(), now, same ? last.sinceNanos() : now);
        });
    return news[0];
  }

  /** What the process that a member of a run lives in is doing. */
  public Presence presence(String worker, UUID instance, RunKey run) {
    long now = clock.getAsLong();
    Sighting last = sightings.get(worker);
    if (last == null) {
      return silentSince(listeningSince.get(), now) ? Presence.SILENT : Presence.PRESENT;
    }
    if (!last.heartbeat().instance().equals(instance)) {
      return Presence.REPLACED;
    }
    if (silentSince(last.nanos(), now)) {
      return Presence.SILENT;
    }
    boolean here =
        run.run().equals(last.heartbeat().run()) && run.attempt() == last.heartbeat().attempt();
    return !here && silentSince(last.sinceNanos(), now) ? Presence.ELSEWHERE : Presence.PRESENT;
  }

  /** How long a worker has been the same process without a run; none if it is not known. */
  public Duration freeFor(String worker) {
    Sighting last = sightings.get(worker);
    return last == null || last.heartbeat().run() != null
        ? Duration.ZERO
        : Duration.ofNanos(clock.getAsLong() - last.sinceNanos());
  }

  /** The last heartbeats of all workers that live. */
  public List<Heartbeat> live() {
    long now = clock.getAsLong();
    return sightings.values().stream()
        .filter(sighting -> !lost(sighting, now))
        .map(Sighting::heartbeat)
        .toList();
  }

  /** The last heartbeats of all workers that live and were heard after a time. */
  public List<Heartbeat> heardSince(Instant time) {
    return sightings.values().stream()
        .filter(sighting -> sighting.at().isAfter(time))
        .filter(this::alive)
        .map(Sighting::heartbeat)
        .toList();
  }

  /** Heartbeats are read from now on. */
  void listen() {
    forgiveSilence();
    listening = true;
  }

  /** Heartbeats are not read until further notice. */
  void listenNoMore() {
    listening = false;
  }

  /** Starts to count silence anew, because this process could not have heard anything. */
  public void forgiveSilence() {
    listeningSince.set(clock.getAsLong());
  }

  /** Whether a worker that is not given up yet has missed several heartbeats. */
  public boolean anySilent() {
    long now = clock.getAsLong();
    long suspicious = TimeUnit.MILLISECONDS.toNanos(3L * Heartbeat.INTERVAL_MILLIS);
    return sightings.values().stream()
        .anyMatch(sighting -> now - sighting.nanos() > suspicious && !longGone(sighting, now));
  }

  Collection<Sighting> sightings() {
    return List.copyOf(sightings.values());
  }

  boolean alive(Sighting sighting) {
    return !lost(sighting, clock.getAsLong());
  }

  private boolean silentSince(long then, long now) {
    return listening && now - Math.max(then, listeningSince.get()) > LOST_AFTER_NANOS;
  }

  /** Forgets workers that have been silent for so long that nobody waits for them. */
  void forgetLongGone() {
    long now = clock.getAsLong();
    sightings.values().removeIf(sighting -> longGone(sighting, now));
  }

  private static boolean lost(Sighting sighting, long now) {
    return now - sighting.nanos() > LOST_AFTER_NANOS;
  }

  private static boolean longGone(Sighting sighting, long now) {
    return now - sighting.nanos() > TimeUnit.MINUTES.toNanos(10);
  }

  private static boolean same(Heartbeat one, Heartbeat other) {
    return one.instance().equals(other.instance())
        && Objects.equals(one.run(), other.run())
        && one.attempt() == other.attempt();
  }
}
