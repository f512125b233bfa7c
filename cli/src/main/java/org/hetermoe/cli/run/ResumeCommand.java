package org.hetermoe.cli.run;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RunView;
import org.hetermoe.cli.SignalHandler;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Goes on with a run from its newest checkpoint and follows it to its end. */
@Command(
    name = "resume",
    description = "Goes on with a run that has ended early, from its newest checkpoint.",
    mixinStandardHelpOptions = true)
public final class ResumeCommand implements Callable<Integer> {
  private static final Duration POLL = Duration.ofMillis(500);

  @Spec private CommandSpec command;
  @Mixin private CoordinatorOptions coordinatorOptions;
  @Mixin private FollowOptions followOptions;

  @Mixin private RunArgument runArgument;

  /** For picocli, which sets the fields. */
  public ResumeCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintWriter err = command.commandLine().getErr();
    try (SignalHandler signals = SignalHandler.install();
        CoordinatorOptions.Session session = coordinatorOptions.open(err)) {
      RunView run = runArgument.find(session.coordinator());
      CoordinatorClient coordinator = FollowOptions.coordinatorFor(run.spec(), session);
      return followOptions.follow(
          goingOn(coordinator, run, err),
          coordinatorOptions,
          coordinator,
          session,
          signals,
          command.commandLine());
    }
  }

  /** A run that has not ended goes on by itself, be it after a crash. */
  private static RunView goingOn(CoordinatorClient coordinator, RunView found, PrintWriter err)
      throws ApiException, InterruptedException {
    RunView run = coordinator.run(found.id());
    while (run.state().equals("stopping")) {
      Thread.sleep(POLL);
      run = coordinator.run(found.id());
    }
    if (run.ended()) {
      return coordinator.resume(run.id());
    }
    err.println("hetermoe: the run is " + run.state() + " and goes on by itself: following it");
    err.flush();
    return run;
  }
}
