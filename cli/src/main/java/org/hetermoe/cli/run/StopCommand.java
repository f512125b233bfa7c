package org.hetermoe.cli.run;

import java.util.concurrent.Callable;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RunView;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Asks a run to end after its current step. */
@Command(
    name = "stop",
    description = "Ends a run after its current step, with a checkpoint.",
    mixinStandardHelpOptions = true)
public final class StopCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private CoordinatorOptions coordinatorOptions;

  @Mixin private RunArgument runArgument;

  /** For picocli, which sets the fields. */
  public StopCommand() {}

  @Override
  public Integer call() throws ApiException, InterruptedException {
    try (CoordinatorOptions.Session session =
        coordinatorOptions.open(command.commandLine().getErr())) {
      CoordinatorClient coordinator = session.running();
      RunView run = coordinator.stop(runArgument.find(coordinator).id());
      command
          .commandLine()
          .getOut()
          .println("run " + run.id() + " is " + run.state() + ": " + run.reason());
      return 0;
    }
  }
}
