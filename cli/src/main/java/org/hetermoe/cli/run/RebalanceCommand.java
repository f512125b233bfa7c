package org.hetermoe.cli.run;

import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RebalanceRequest;
import org.hetermoe.run.RunPlan;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Has the experts of a running run moved. */
@Command(
    name = "rebalance",
    description = {
      "Moves the experts of a running run at its next step boundary.",
      "They take their weights and optimizer state along. The planner decides where they go, by the",
      "loads measured so far, unless --expert-counts does."
    },
    mixinStandardHelpOptions = true)
public final class RebalanceCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private CoordinatorOptions coordinatorOptions;

  @Mixin private RunArgument runArgument;

  @Option(
      names = "--expert-counts",
      paramLabel = "N",
      split = ",",
      description = "Experts of every layer that each expert worker gets: 4,8.")
  private List<Integer> counts = List.of();

  /** For picocli, which sets the fields. */
  public RebalanceCommand() {}

  @Override
  public Integer call() throws ApiException, InterruptedException {
    try (CoordinatorOptions.Session session =
        coordinatorOptions.open(command.commandLine().getErr())) {
      CoordinatorClient coordinator = session.running();
      UUID run = runArgument.find(coordinator).id();
      RunPlan plan =
          counts.isEmpty()
              ? coordinator.rebalance(run)
              : coordinator.rebalance(run, RebalanceRequest.ofCounts(counts));
      RunPlanReport.print(plan, command.commandLine().getOut());
      return 0;
    }
  }
}
