package org.hetermoe.cli.run;

import java.util.concurrent.Callable;
import org.hetermoe.run.RunView;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Asks a run to end after its current step. */
@Command(
    name = "stop",
    description = "Ends a run after its current step, with a checkpoint.",
    mixinStandardHelpOptions = true)
public final class StopCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private CoordinatorOptions coordinatorOptions;

  @Parameters(paramLabel = "RUN", description = "Id of the run, the beginning of it, or latest.")
  private String name;

  /** For picocli, which sets the fields. */
  public StopCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    try (CoordinatorOptions.Session session =
        coordinatorOptions.open(command.commandLine().getErr())) {
      CoordinatorClient coordinator = session.running();
      RunView run = coordinator.stop(coordinator.run(name).id());
      command
          .commandLine()
          .getOut()
          .println("run " + run.id() + " is " + run.state() + ": " + run.reason());
      return 0;
    }
  }
}
