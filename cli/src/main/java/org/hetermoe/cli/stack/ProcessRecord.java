package org.hetermoe.cli.stack;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.time.Instant;

/**
 * A process of the stack as {@code stack.json} remembers it.
 *
 * @param name {@code postgresql}, {@code kafka}, {@code coordinator}, {@code attention-0}
 * @param pid its id
 * @param startedAt when it started, which tells it from a later process with the same id
 * @param port where it listens on loopback
 * @param secondPort Kafka's controller or a worker's direct channel; 0 where there is none
 * @param build which build of the service runs; empty for those that are not ours
 * @param keep whether it stays up when the command line that started it ends
 */
public record ProcessRecord(
    String name,
    long pid,
    Instant startedAt,
    int port,
    int secondPort,
    String build,
    boolean keep) {

  /** Whether it runs. */
  @JsonIgnore
  public boolean alive() {
    return process().alive();
  }

  OsProcess process() {
    return new OsProcess(pid, startedAt);
  }

  ProcessRecord kept() {
    return new ProcessRecord(name, pid, startedAt, port, secondPort, build, true);
  }
}
