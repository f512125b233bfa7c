package org.hetermoe.cli.check;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.hetermoe.cli.UsageException;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.Devices;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.LayerWork;
import org.hetermoe.device.MeasuredProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.model.ModelShape;
import org.hetermoe.profile.DeviceMemory;
import org.hetermoe.profile.Profiler;
import org.hetermoe.run.Json;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.tensor.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Measures how fast a device of this machine is at each part of a model. */
@Command(
    name = "profile",
    description = {
      "Measures how fast a device of this machine is.",
      "Times one layer's attention side at several lengths, one expert at several numbers of rows,",
      "head, embedding and optimizer."
    },
    mixinStandardHelpOptions = true)
public final class ProfileCommand implements Callable<Integer> {
  private static final int[] LENGTHS = {64, 256, 1024};
  private static final int[] ROWS = {16, 64, 256, 1024};
  private static final int[] TOKENS = {64, 1024};
  private static final long NANOS_PER_SIZE = 100_000_000;

  /** Weight, gradient and two moments in single precision. */
  private static final long PARAMETER_BYTES = 16;

  @Spec private CommandSpec command;

  @Option(
      names = "--compute",
      defaultValue = "cpu",
      description = "Device: cpu, cuda, cuda:1 or reference (default: ${DEFAULT-VALUE}).")
  private String device;

  @Option(
      names = "--model",
      paramLabel = "FILE",
      description = "Run file with the model to measure (default: that of an empty run file).")
  private Path runFile;

  @Option(names = "--threads", description = "Threads of the device (default: all processors).")
  private Integer threads;

  @Option(
      names = "--precision",
      defaultValue = "fp32",
      description = "Type to compute in: fp32, bf16 or fp16 (default: ${DEFAULT-VALUE}).")
  private String precision;

  @Option(names = "--json", description = "One JSON object on standard output.")
  private boolean json;

  /** For picocli, which sets the fields. */
  public ProfileCommand() {}

  /** What is printed with --json. */
  private record Output(MeasuredProfile profile, Map<String, Long> memoryBytes) {}

  @Override
  public Integer call() throws IOException {
    RunSpec spec =
        runFile == null ? RunSpecReader.defaults() : RunSpecReader.read(runFile, List.of());
    int count = threads == null ? Runtime.getRuntime().availableProcessors() : threads;
    if (count < 1) {
      throw new UsageException("--threads must be at least 1, is " + count);
    }
    MeasuredProfile measured;
    try (Compute compute = Devices.open(device, count)) {
      compute
          .refusal(type())
          .ifPresent(
              reason -> {
                throw new UsageException("--precision: " + reason);
              });
      measured =
          new Profiler(compute, spec.model(), type(), NANOS_PER_SIZE)
              .measure(DeviceMemory.of(compute));
    } catch (ComputeUnavailableException unavailable) {
      throw new UsageException(unavailable.getMessage());
    }
    ModelShape model = ModelShape.of(spec.name(), spec.model());
    Map<String, Long> memory = new TreeMap<>();
    memory.put("device", measured.memoryBytes());
    memory.put("expert", model.expertParameters() * PARAMETER_BYTES);
    memory.put("model_without_experts", model.residentParameters() * PARAMETER_BYTES);
    PrintWriter out = command.commandLine().getOut();
    if (json) {
      printJson(new Output(measured, memory), out);
    } else {
      print(measured.profile(), model, memory, out);
    }
    out.flush();
    return 0;
  }

  private DType type() {
    return DType.floatingOf(precision)
        .orElseThrow(
            () ->
                new UsageException(
                    "--precision must be fp32, bf16 or fp16, is '" + precision + "'"));
  }

  private static void printJson(Output output, PrintWriter out) throws JsonProcessingException {
    out.println(Json.MAPPER.writeValueAsString(output));
  }

  private static void print(
      DeviceProfile profile, ModelShape model, Map<String, Long> memory, PrintWriter out) {
    out.println("device: " + profile.name());
    out.printf(
        Locale.ROOT,
        "model:  %s, hidden %d, %d experts of width %d, vocabulary %d%n%n",
        model.name(),
        model.hidden(),
        model.experts(),
        model.expertWidth(),
        model.vocabulary());
    out.printf("%-34s %14s %14s %12s%n", "part", "forward, ms", "backward, ms", "GFLOP/s");
    for (int length : LENGTHS) {
      row(
          out,
          "attention side, 1 sequence of " + length,
          LayerWork.projections(model, length) + LayerWork.attention(model, 1, length),
          pass -> profile.attentionSeconds(model, 1, length, pass));
    }
    for (int rows : ROWS) {
      row(
          out,
          "expert, " + rows + " rows",
          LayerWork.expert(model, rows),
          pass -> profile.expertSeconds(model, rows, pass));
    }
    for (int tokens : TOKENS) {
      row(
          out,
          "head, " + tokens + " tokens",
          LayerWork.head(model, tokens),
          pass -> profile.headSeconds(model, tokens, pass));
      row(
          out,
          "embedding, " + tokens + " tokens",
          0,
          pass -> profile.embeddingSeconds(model, tokens, pass));
    }
    out.printf(
        Locale.ROOT,
        "%-34s %14.3f%n",
        "optimizer, 1 million parameters",
        1e3 * profile.optimizerSeconds(1_000_000));
    out.println();
    out.printf(Locale.ROOT, "memory of the device:          %,15d bytes%n", memory.get("device"));
    out.printf(
        Locale.ROOT,
        "an expert of a layer:          %,15d bytes (weights, gradients, optimizer state)%n",
        memory.get("expert"));
    out.printf(
        Locale.ROOT,
        "the model without experts:     %,15d bytes%n",
        memory.get("model_without_experts"));
  }

  private interface Seconds {
    double of(Pass pass);
  }

  /** The rate counts the forward once and the backward twice. */
  private static void row(PrintWriter out, String part, double work, Seconds seconds) {
    double forward = seconds.of(Pass.FORWARD);
    double backward = seconds.of(Pass.BACKWARD);
    out.printf(
        Locale.ROOT,
        "%-34s %14.3f %14.3f %12s%n",
        part,
        1e3 * forward,
        1e3 * backward,
        work == 0
            ? "-"
            : String.format(Locale.ROOT, "%.1f", 3 * work / (forward + backward) / 1e9));
  }
}
