package org.hetermoe.cli.run;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RunView;
import org.hetermoe.checkpoint.CheckpointReader;
import org.hetermoe.checkpoint.http.HttpCheckpointStore;
import org.hetermoe.cli.UsageException;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.data.Tokenizer;
import org.hetermoe.data.Tokenizers;
import org.hetermoe.generate.Generator;
import org.hetermoe.generate.Generator.Sampling;
import org.hetermoe.run.RunSpec;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Continues text with a run's newest checkpoint. */
@Command(
    name = "generate",
    description = "Continues text with the model of a run's newest checkpoint.",
    mixinStandardHelpOptions = true)
public final class GenerateCommand implements Callable<Integer> {
  @Spec private CommandSpec command;
  @Mixin private CoordinatorOptions coordinatorOptions;

  @Mixin private RunArgument runArgument;

  @Option(
      names = "--prompt",
      required = true,
      paramLabel = "TEXT",
      description = "The text to continue.")
  private String prompt;

  @Option(
      names = "--tokens",
      defaultValue = "200",
      description = "How many tokens to generate (default: ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--temperature",
      defaultValue = "0.7",
      description = "0 takes the likeliest token each time (default: ${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Seed of the choices (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--compute",
      defaultValue = "cpu",
      description = "Device: cpu, cuda, cuda:1 or reference (default: ${DEFAULT-VALUE}).")
  private String device;

  /** For picocli, which sets the fields. */
  public GenerateCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    Sampling sampling = new Sampling(tokens, temperature, seed);
    if (prompt.isEmpty()) {
      throw new UsageException("--prompt must not be empty");
    }
    try (CoordinatorOptions.Session session =
        coordinatorOptions.open(command.commandLine().getErr())) {
      CoordinatorClient coordinator = session.coordinator();
      RunView run = runArgument.find(coordinator);
      if (run.checkpointStep() == null) {
        throw new UsageException("run " + run.id() + " has no complete checkpoint");
      }
      PrintWriter out = command.commandLine().getOut();
      out.print(prompt);
      generate(coordinator, run, sampling, new Typewriter(out));
      out.println();
      out.flush();
      return 0;
    }
  }

  private void generate(
      CoordinatorClient coordinator, RunView run, Sampling sampling, Consumer<String> progress)
      throws IOException, InterruptedException {
    RunSpec spec = run.spec();
    int threads = Runtime.getRuntime().availableProcessors();
    try (Tokenizer tokenizer = Tokenizers.open(spec.data().tokenizer());
        Compute compute = Devices.open(device, threads);
        CheckpointReader checkpoint =
            new HttpCheckpointStore(coordinator).open(run.id(), run.checkpointStep());
        Generator generator =
            new Generator(
                spec.model(),
                spec.data().sequenceLength(),
                compute,
                (name, shape, target) -> checkpoint.read(name, target),
                tokenizer)) {
      String _ = generator.generate(prompt, sampling, progress);
    }
  }

  /** Prints what is new of a growing text; half a character waits for its other half. */
  private static final class Typewriter implements Consumer<String> {
    private final PrintWriter out;
    private int printed;

    Typewriter(PrintWriter out) {
      this.out = out;
    }

    @Override
    public void accept(String text) {
      if (text.length() > printed && !text.endsWith("\uFFFD")) {
        out.print(text.substring(printed));
        out.flush();
        printed = text.length();
      }
    }
  }
}
