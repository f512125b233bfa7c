package org.hetermoe.cli;

import java.util.concurrent.Callable;
import org.hetermoe.cli.stack.Stack;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
    name = "down",
    description = "Stops the one-machine stack; its data stay.",
    mixinStandardHelpOptions = true)
final class DownCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private StackOptions stackOptions;

  @Override
  public Integer call() throws InterruptedException {
    try (Stack stack = stackOptions.stack(spec.commandLine().getErr())) {
      if (stack.down().isEmpty()) {
        spec.commandLine().getErr().println("hetermoe: nothing is up");
      }
      return 0;
    }
  }
}
