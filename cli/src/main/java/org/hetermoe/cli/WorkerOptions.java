package org.hetermoe.cli;

import java.util.List;
import org.hetermoe.cli.stack.WorkerServices;
import picocli.CommandLine.Option;

/** How worker services of the one-machine stack are started. */
public final class WorkerOptions {
  @Option(
      names = "--worker-compute",
      paramLabel = "DEVICE",
      defaultValue = "cpu",
      description =
          "Device of the worker services that are started: cpu, cuda, cuda:1, cuda:GPU-<uuid>, auto"
              + " or reference (default: ${DEFAULT-VALUE}).")
  private String compute;

  @Option(
      names = "--attention-compute",
      paramLabel = "DEVICE",
      split = ",",
      description =
          "Device of attention services, where it differs; of several, each service takes the"
              + " next: cuda:0,cuda:1.")
  private List<String> attentionCompute;

  @Option(
      names = "--expert-compute",
      paramLabel = "DEVICE",
      split = ",",
      description = "Device of expert services, likewise.")
  private List<String> expertCompute;

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
    return new WorkerServices(
        attention,
        experts,
        attentionCompute == null ? List.of(compute) : attentionCompute,
        expertCompute == null ? List.of(compute) : expertCompute,
        count);
  }
}
