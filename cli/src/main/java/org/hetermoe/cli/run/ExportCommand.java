package org.hetermoe.cli.run;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.hetermoe.api.CheckpointView;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RunView;
import org.hetermoe.checkpoint.CheckpointReader;
import org.hetermoe.checkpoint.http.HttpCheckpointStore;
import org.hetermoe.cli.UsageException;
import org.hetermoe.run.RunSpec;
import org.hetermoe.weights.HuggingFaceConfig;
import org.hetermoe.weights.HuggingFaceWeights;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a checkpoint as a Hugging Face folder. */
@Command(
    name = "export",
    description = "Writes a run's weights as a Hugging Face folder of Mixtral's layout.",
    mixinStandardHelpOptions = true)
public final class ExportCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private CoordinatorOptions coordinatorOptions;

  @Mixin private RunArgument runArgument;

  @Parameters(index = "1", paramLabel = "DIR", description = "Where config.json and weights go.")
  private Path folder;

  @Option(
      names = "--step",
      paramLabel = "STEP",
      description = "Step of the checkpoint (default: the newest).")
  private Integer step;

  /** For picocli, which sets the fields. */
  public ExportCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    try (CoordinatorOptions.Session session =
        coordinatorOptions.open(command.commandLine().getErr())) {
      CoordinatorClient coordinator = session.coordinator();
      RunView run = runArgument.find(coordinator);
      int after = choose(coordinator.checkpoints(run.id()), run);
      RunSpec spec = run.spec();
      try (CheckpointReader checkpoint =
          new HttpCheckpointStore(coordinator).open(run.id(), after)) {
        HuggingFaceWeights.export(
            folder,
            new HuggingFaceConfig(spec.model(), spec.data().sequenceLength()),
            (parameter, shape, target) -> checkpoint.read(parameter, target));
      }
      command
          .commandLine()
          .getOut()
          .println("run " + run.id() + " after step " + after + ": " + folder.toAbsolutePath());
      return 0;
    }
  }

  private int choose(List<CheckpointView> checkpoints, RunView run) {
    List<Integer> steps = checkpoints.stream().map(CheckpointView::step).toList();
    if (steps.isEmpty()) {
      throw new UsageException("run " + run.id() + " has no complete checkpoint");
    }
    if (step == null) {
      return steps.getFirst();
    }
    if (!steps.contains(step)) {
      throw new UsageException(
          "run " + run.id() + " has no checkpoint at step " + step + ", but at " + steps);
    }
    return step;
  }
}
