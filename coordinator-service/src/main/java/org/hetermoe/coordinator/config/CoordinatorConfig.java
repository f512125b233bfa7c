package org.hetermoe.coordinator.config;

import io.smallrye.config.ConfigMapping;
import java.time.Duration;

/**
 * What a coordinator lets its operator decide. Defaults stand in {@code application.properties} and
 * nowhere else; where it listens, its database and its broker are {@code quarkus.http.*}, {@code
 * quarkus.datasource.*} and {@code kafka.bootstrap.servers}.
 */
@ConfigMapping(prefix = "hetermoe.coordinator")
public interface CoordinatorConfig {
  /**
   * Whether workers see the same files as the coordinator, as on one machine. Where they do, a run
   * whose data or tokenizer does not exist is refused when it is submitted.
   */
  boolean sharedFilesystem();

  /** How long the workers of a run may take to load weights and data before it fails. */
  Duration prepareTimeout();

  /** How many complete checkpoints of a run are kept; the newest ones. At least 1. */
  int checkpointsKept();

  /**
   * Longest time between two looks at queue and workers, as Quarkus writes durations ({@code 1s});
   * whatever matters also causes a look at once.
   */
  String tick();

  /** How runs go on after an attempt that could not. */
  Recovery recovery();

  /** When another attempt follows, and with whom. */
  interface Recovery {
    /** Attempts that may fail in a row without a new checkpoint before the run has failed. */
    int attempts();

    /** Before the first of them; twice as long before each other. */
    Duration firstDelay();

    /** At most before any of them. */
    Duration longestDelay();

    /**
     * How long a run waits for as many workers as it may have before it begins with those that are
     * there, where these are enough.
     */
    Duration workerPatience();
  }

  /** How runs are planned. */
  Planning planning();

  /** What planning goes by beside profiles. */
  interface Planning {
    /** How long a run waits for the profile of a worker that has just come, and for its links. */
    Duration profilePatience();

    /** How long a run may be planned before it fails. */
    Duration deadline();

    /**
     * Bytes per second between two workers, in each direction: used until a pair has been measured,
     * and where measurements say nothing: for emulated devices, and channels other than direct.
     */
    double linkBytesPerSecond();

    /** Time of an empty message between two workers; used as the speed above. */
    Duration linkLatency();
  }

  /** The topics that the coordinator creates where they are missing. */
  Topics topics();

  /** Properties of topics. Those of topics that exist are left alone. */
  interface Topics {
    /** Copies of each partition. */
    short replicationFactor();

    /** How long commands, events, heartbeats and metrics are kept. */
    Duration controlRetention();

    /** Bytes that a partition of an activation topic keeps. */
    long activationsRetentionBytes();

    /** Bytes of a segment of an activation topic; only whole segments are deleted. */
    long activationsSegmentBytes();
  }
}
