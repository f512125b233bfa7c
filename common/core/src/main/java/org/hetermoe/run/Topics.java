package org.hetermoe.run;

import java.util.List;

/** The broker's topics. Values are JSON in snake case, but for the activation topics'. */
public final class Topics {
  /** {@link Command}s, one partition, from coordinator to workers. */
  public static final String COMMANDS = "hetermoe.commands";

  /** {@link Event}s, one partition. */
  public static final String EVENTS = "hetermoe.events";

  /** {@link Heartbeat}s, one partition. */
  public static final String HEARTBEATS = "hetermoe.heartbeats";

  /** {@link StepMetrics}, one partition. */
  public static final String METRICS = "hetermoe.metrics";

  /** {@link WorkerProfile}s, one partition. */
  public static final String PROFILES = "hetermoe.profiles";

  /** {@link LinkMeasurement}s, one partition. */
  public static final String LINKS = "hetermoe.links";

  /** Binary frame parts to attention workers, a partition per worker. */
  public static final String ATTENTION_ACTIVATIONS = "hetermoe.activations.attention";

  /** Binary frame parts to expert workers, a partition per worker. */
  public static final String EXPERT_ACTIVATIONS = "hetermoe.activations.expert";

  /**
   * Partitions of an activation topic: the largest number of workers of a role behind one broker.
   */
  public static final int ACTIVATION_PARTITIONS = 64;

  /** The topics of control traffic. */
  public static final List<String> CONTROL =
      List.of(COMMANDS, EVENTS, HEARTBEATS, METRICS, PROFILES, LINKS);

  /** The topics of activation traffic. */
  public static final List<String> ACTIVATIONS = List.of(ATTENTION_ACTIVATIONS, EXPERT_ACTIVATIONS);

  private Topics() {}
}
