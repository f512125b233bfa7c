package org.hetermoe.cli.run;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RunView;
import org.hetermoe.cli.SignalHandler;
import org.hetermoe.cli.stack.DataDirectory;
import org.hetermoe.data.Batches;
import org.hetermoe.data.PackedTokens;
import org.hetermoe.run.DataSpec;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunSpecReader;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Submits a run file and follows the run to its end. */
@Command(
    name = "train",
    description = "Trains what a run file describes, and follows it.",
    mixinStandardHelpOptions = true)
public final class TrainCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private CoordinatorOptions coordinatorOptions;
  @Mixin private FollowOptions followOptions;

  @Parameters(paramLabel = "FILE", description = "The run file, YAML or JSON.")
  private Path file;

  @Option(
      names = "--set",
      paramLabel = "path=value",
      description = "Overrides a field of the run file: --set training.steps=20.")
  private List<String> overrides = List.of();

  /** For picocli, which sets the fields. */
  public TrainCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    RunSpec spec = RunSpecReader.read(file, overrides);
    PrintWriter err = command.commandLine().getErr();
    if (coordinatorOptions.local()) {
      spec = withAbsolutePaths(spec);
      checkData(spec, coordinatorOptions.dataDirectory(), err);
    }
    try (SignalHandler signals = SignalHandler.install();
        CoordinatorOptions.Session session = coordinatorOptions.open(err)) {
      CoordinatorClient coordinator = FollowOptions.coordinatorFor(spec, session);
      RunView submitted = coordinator.submit(spec);
      return followOptions.follow(
          submitted, coordinatorOptions, coordinator, session, signals, command.commandLine());
    }
  }

  /** Workers work in another directory than the shell. */
  private static RunSpec withAbsolutePaths(RunSpec spec) {
    DataSpec data = spec.data();
    DataSpec absolute =
        new DataSpec(
            data.source().equals("jdk") ? data.source() : absolute(data.source()),
            data.tokenizer().equals("bytes") ? data.tokenizer() : absolute(data.tokenizer()),
            data.sequenceLength(),
            data.heldOut());
    return new RunSpec(
        spec.name(),
        spec.seed(),
        spec.channel(),
        spec.compute(),
        spec.precision(),
        spec.model(),
        absolute,
        spec.optimizer(),
        spec.training(),
        spec.workers(),
        spec.planning(),
        spec.emulation());
  }

  private static String absolute(String path) {
    return Path.of(path).toAbsolutePath().normalize().toString();
  }

  /**
   * Packs the text where the workers will look for it, so that whatever is wrong with it comes up
   * before anything is started.
   */
  private static void checkData(RunSpec spec, DataDirectory data, PrintWriter err)
      throws IOException {
    data.create();
    try (PackedTokens tokens =
        PackedTokens.open(spec.data(), spec.seed(), spec.model().vocabulary(), data.tokens())) {
      Batches batches = new Batches(tokens, spec.data(), spec.seed());
      err.printf(
          Locale.ROOT,
          "text: %,d tokens; %,d sequences to train on, %,d held out%n",
          tokens.size(),
          batches.trainingSequences(),
          batches.evaluationSequences());
      err.flush();
    }
  }
}
