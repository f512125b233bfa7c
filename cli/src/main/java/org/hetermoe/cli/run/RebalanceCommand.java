package org.hetermoe.cli.run;

import java.util.List;
import java.util.concurrent.Callable;
import org.hetermoe.run.RunPlan;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Has the experts of a running run moved. */
@Command(
    name = "rebalance",
    description = {
      "Moves the experts of a running run, weights and optimizer state, at its next step boundary:",
      "to where the planner wants them with the loads measured so far, or as counted."
    },
    mixinStandardHelpOptions = true)
public final class RebalanceCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private CoordinatorOptions coordinatorOptions;

  @Parameters(paramLabel = "RUN", description = "Id of the run, the beginning of it, or latest.")
  private String name;

  @Option(
      names = "--expert-counts",
      paramLabel = "N",
      split = ",",
      description = "Experts of every layer that each expert worker gets: 4,8.")
  private List<Integer> counts = List.of();

  /** For picocli, which sets the fields. */
  public RebalanceCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    try (CoordinatorOptions.Session session =
        coordinatorOptions.open(command.commandLine().getErr())) {
      CoordinatorClient coordinator = session.running();
      RunPlan plan = coordinator.rebalance(coordinator.run(name).id(), counts);
      PlanReport.print(plan, command.commandLine().getOut());
      return 0;
    }
  }
}
