package org.hetermoe.benchmark.gpu;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.run.Json;
import org.hetermoe.tensor.DType;

/**
 * Times a device: {@code GpuBenchmark DEVICE full|small FILE PART...}, parts being {@code step},
 * {@code attention}, {@code memory}, {@code product} and {@code share}. Writes a JSON object a line
 * to the file, and says on standard output how far it is.
 */
public final class GpuBenchmark {
  private static final long BATCH_NANOS = 20_000_000;

  /** Best first; the first that the device has is what it is timed in. */
  private static final List<DType> TYPES = List.of(DType.BF16, DType.F16, DType.F32);

  private GpuBenchmark() {}

  /** Runs; see the class. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments.length < 4) {
      System.err.println("usage: GpuBenchmark DEVICE full|small FILE PART...");
      System.exit(2);
    }
    Scale scale = arguments[1].equals("full") ? Scale.FULL : Scale.SMALL;
    List<String> parts = Arrays.asList(arguments).subList(3, arguments.length);
    try (Compute compute = Devices.open(arguments[0], 1);
        PrintStream file =
            new PrintStream(
                Files.newOutputStream(Path.of(arguments[2])), true, StandardCharsets.UTF_8)) {
      System.out.println(compute.description());
      for (String part : parts) {
        run(part, compute, scale, file);
      }
    }
  }

  private static void run(String part, Compute compute, Scale scale, PrintStream file)
      throws InterruptedException {
    DType type =
        TYPES.stream().filter(each -> compute.refusal(each).isEmpty()).findFirst().orElseThrow();
    Timer timer = new Timer(compute, BATCH_NANOS);
    OperationTimes operations =
        new OperationTimes(compute, scale, type, timer, result -> write(result, file));
    StepTimes steps = new StepTimes(compute, scale, type, result -> write(result, file));
    switch (part) {
      case "step" -> steps.steps();
      case "share" -> steps.shares();
      case "attention" -> operations.attention();
      case "memory" -> operations.memory();
      case "product" -> operations.products();
      default -> throw new IllegalArgumentException("unknown part '" + part + "'");
    }
  }

  private static void write(Result result, PrintStream file) {
    try {
      file.println(Json.MAPPER.writeValueAsString(result));
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
    System.out.printf(
        "%-10s %-28s %-5s %12.3f ms %12.2f %s%n",
        result.group(),
        result.name(),
        result.type(),
        result.seconds() * 1e3,
        result.rate(),
        result.unit());
  }
}
