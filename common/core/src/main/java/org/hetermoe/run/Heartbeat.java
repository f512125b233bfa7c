package org.hetermoe.run;

import java.util.List;
import java.util.UUID;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;

/**
 * A worker process says that it lives, what it is and what it does; travels over {@link
 * Topics#HEARTBEATS} every {@link #INTERVAL_MILLIS} and at every change of {@code run}.
 *
 * @param worker stable id: {@code attention-0}
 * @param instance this process
 * @param role which side of a group it can take
 * @param host where peers reach its direct channel
 * @param port where peers reach its direct channel
 * @param partition its partition of its role's activation topic
 * @param httpUrl its status, health and metrics
 * @param compute description of its device
 * @param types floating-point types that its device computes in
 * @param softwareVersion version of the worker
 * @param run the run it works on; null while idle
 * @param attempt the attempt; 0 while idle
 * @param step the last step done; 0 while idle
 */
public record Heartbeat(
    String worker,
    UUID instance,
    WorkerRank.Role role,
    String host,
    int port,
    int partition,
    String httpUrl,
    String compute,
    List<DType> types,
    String softwareVersion,
    UUID run,
    int attempt,
    int step) {
  public Heartbeat {
    types = List.copyOf(types);
  }

  /** The names of the types that its device computes in. */
  public List<String> typeLabels() {
    return types.stream().map(DType::label).toList();
  }

  /** Time between heartbeats. */
  public static final int INTERVAL_MILLIS = 1_000;

  /** A worker that has been silent for so long is lost. */
  public static final int LOST_AFTER_MILLIS = 10_000;
}
