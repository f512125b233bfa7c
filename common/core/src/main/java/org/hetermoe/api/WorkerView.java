package org.hetermoe.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.LinkMeasurement;

/**
 * A worker as REST shows it: its last heartbeat, when that came, and whether it lives.
 *
 * @param worker stable id
 * @param instance the process that sent the heartbeat
 * @param role {@code attention} or {@code expert}
 * @param host where peers reach its direct channel
 * @param port where peers reach its direct channel
 * @param partition its partition of its role's activation topic
 * @param httpUrl where its own REST API is
 * @param compute description of its device
 * @param types floating-point types that its device computes in, as {@code fp32}
 * @param softwareVersion version of the worker
 * @param profiled whether there is a profile of its device
 * @param alive whether its heartbeats arrive
 * @param lastHeartbeatAt when the last one came
 * @param run the run it works on; null while it is idle
 * @param attempt the attempt; 0 while it is idle
 * @param step the last step done; 0 while it is idle
 * @param links from it to other workers, as far as they have been measured, by their ids
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record WorkerView(
    String worker,
    UUID instance,
    String role,
    String host,
    int port,
    int partition,
    String httpUrl,
    String compute,
    List<String> types,
    String softwareVersion,
    boolean profiled,
    boolean alive,
    Instant lastHeartbeatAt,
    UUID run,
    int attempt,
    int step,
    List<Link> links) {
  public WorkerView {
    links = List.copyOf(links);
  }

  /**
   * What was measured from a worker to another.
   *
   * @param to stable id of the other
   * @param bytesPerSecond of long messages
   * @param latencySeconds of a small message, one way
   * @param measuredAt when
   */
  public record Link(String to, double bytesPerSecond, double latencySeconds, Instant measuredAt) {}

  /** What a heartbeat says, with what the coordinator knows beside it. */
  public static WorkerView of(
      Heartbeat heartbeat,
      Instant at,
      boolean alive,
      boolean profiled,
      List<LinkMeasurement> measured) {
    return new WorkerView(
        heartbeat.worker(),
        heartbeat.instance(),
        heartbeat.role().name().toLowerCase(Locale.ROOT),
        heartbeat.host(),
        heartbeat.port(),
        heartbeat.partition(),
        heartbeat.httpUrl(),
        heartbeat.compute(),
        heartbeat.typeLabels(),
        heartbeat.softwareVersion(),
        profiled,
        alive,
        at,
        heartbeat.run(),
        heartbeat.attempt(),
        heartbeat.step(),
        measured.stream()
            .map(
                link ->
                    new Link(link.to(), link.bytesPerSecond(), link.latencySeconds(), link.at()))
            .toList());
  }
}
