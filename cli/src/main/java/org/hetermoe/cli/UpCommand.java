package org.hetermoe.cli;

import java.io.PrintWriter;
import java.net.URI;
import java.util.concurrent.Callable;
import org.hetermoe.cli.stack.Stack;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
    name = "up",
    description = "Starts the one-machine stack and leaves it running.",
    mixinStandardHelpOptions = true)
final class UpCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private StackOptions stackOptions;
  @Mixin private WorkerOptions workerOptions;

  @Option(
      names = "--attention",
      paramLabel = "M",
      defaultValue = "1",
      description = "Attention services (default: ${DEFAULT-VALUE}).")
  private int attention;

  @Option(
      names = "--experts",
      paramLabel = "N",
      defaultValue = "1",
      description = "Expert services (default: ${DEFAULT-VALUE}).")
  private int experts;

  @Override
  public Integer call() throws InterruptedException {
    if (attention < 1 || attention > 64 || experts < 0 || experts > 64) {
      throw new UsageException("--attention must lie between 1 and 64, --experts between 0 and 64");
    }
    PrintWriter err = spec.commandLine().getErr();
    try (SignalHandler _ = SignalHandler.install();
        Stack stack = stackOptions.stack(err)) {
      URI coordinator = stack.up(workerOptions.workers(attention, experts));
      stack.keep();
      spec.commandLine().getOut().println(coordinator);
      return 0;
    }
  }
}
