package org.hetermoe.cli.run;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RunView;
import org.hetermoe.cli.SignalHandler;
import org.hetermoe.cli.UsageException;
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
  /** Longer than the coordinator takes to see that workers are lost. */
  private static final Duration DEAD_RUN_TIMEOUT = Duration.ofSeconds(90);

  /** Within which a coordinator that has just started catches up with what was reported. */
  private static final Duration LATE_REPORTS = Duration.ofSeconds(20);

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
      awaitEnd(coordinator, run, err);
      RunView resumed = coordinator.resume(run.id());
      return followOptions.follow(
          resumed, coordinatorOptions, coordinator, session, signals, command.commandLine());
    }
  }

  /** After a crash a run counts as running until the coordinator misses its workers. */
  private static void awaitEnd(CoordinatorClient coordinator, RunView found, PrintWriter err)
      throws ApiException, InterruptedException {
    long deadline = System.nanoTime() + DEAD_RUN_TIMEOUT.toNanos();
    RunView run = coordinator.run(found.id());
    if (isActive(run)) {
      err.println(
          "hetermoe: the run counts as "
              + run.state()
              + "; waiting for the coordinator to see whether its workers still live");
      err.flush();
    }
    // Steps that a dead run has reported may still wait with the broker and arrive now.
    long settled = System.nanoTime() + LATE_REPORTS.toNanos();
    int steps = run.stepsDone();
    while (isActive(run)) {
      if (System.nanoTime() < settled) {
        steps = run.stepsDone();
      }
      if (run.stepsDone() > steps || System.nanoTime() > deadline) {
        throw new UsageException(
            "run " + run.id() + " is " + run.state() + ": stop it first, or let it end");
      }
      Thread.sleep(POLL);
      run = coordinator.run(found.id());
    }
  }

  private static boolean isActive(RunView run) {
    return List.of("preparing", "running", "stopping").contains(run.state());
  }
}
