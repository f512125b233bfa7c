package org.hetermoe.cli.run;

import java.util.List;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RunView;
import org.hetermoe.cli.UsageException;
import picocli.CommandLine.Parameters;

/** The first argument of commands about one run: which. */
final class RunArgument {
  @Parameters(
      index = "0",
      paramLabel = "RUN",
      description = "Id of the run, the beginning of it, or latest.")
  private String name;

  /** The run that is meant. */
  RunView find(CoordinatorClient coordinator) throws ApiException, InterruptedException {
    if (name.equals("latest")) {
      List<RunView> newest = coordinator.runs(1);
      if (newest.isEmpty()) {
        throw new UsageException("there is no run yet");
      }
      return coordinator.run(newest.getFirst().id());
    }
    if (!name.matches("[0-9a-fA-F-]+")) {
      throw new UsageException(
          "'" + name + "' is no run: name its id, the beginning of it, or latest");
    }
    return coordinator.run(name);
  }
}
