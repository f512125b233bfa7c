package org.hetermoe.cli;

import org.hetermoe.cli.stack.WorkerServices;
import picocli.CommandLine.Option;

/** How worker services of the one-machine stack are started. */
public final class WorkerOptions {
  @Option(
      names = "--worker-compute",
      paramLabel = "DEVICE",
      defaultValue = "cpu",
      description = "Device of the worker services that are started: cpu or reference.")
  private String compute;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of each worker service that is started (default: all processors).")
  private Integer threads;

  /** For picocli, which sets the fields. */
  public WorkerOptions() {}

  /** That many workers of this kind. */
  public WorkerServices workers(int attention, int experts) {
    int count = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
    if (count < 1) {
      throw new UsageException("--threads must be at least 1, is " + count);
    }
    return new WorkerServices(attention, experts, compute, count);
  }
}
