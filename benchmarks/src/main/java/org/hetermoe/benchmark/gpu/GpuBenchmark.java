package org.hetermoe.benchmark.gpu;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.Devices;
import org.hetermoe.run.Json;
import org.hetermoe.tensor.DType;

/**
 * Times a device: {@code GpuBenchmark DEVICE full|reduced|small FILE PART...}, parts being {@code
 * step}, {@code attention}, {@code memory}, {@code product} and {@code share}. Writes a JSON object
 * a line to the file, and says on standard output how far it is. A part that fails does not keep
 * the others from running; the exit code is 1 then.
 *
 * <p>{@code GpuBenchmark DEVICE} prints the device, and on the last line the scale that its memory
 * admits.
 */
public final class GpuBenchmark {
  private static final long BATCH_NANOS = 20_000_000;

  /** Best first; the first that the device has is what it is timed in. */
  private static final List<DType> TYPES = List.of(DType.BF16, DType.F16, DType.F32);

  private final Compute compute;
  private final Scale scale;
  private final DType type;
  private final PrintStream file;

  private GpuBenchmark(Compute compute, Scale scale, PrintStream file) {
    this.compute = compute;
    this.scale = scale;
    this.file = file;
    type = TYPES.stream().filter(each -> compute.refusal(each).isEmpty()).findFirst().orElseThrow();
  }

  /** Runs; see the class. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments.length != 1 && arguments.length < 4) {
      System.err.println("usage: GpuBenchmark DEVICE [full|reduced|small FILE PART...]");
      System.exit(2);
    }
    boolean passed = true;
    try (Compute compute = Devices.open(arguments[0], 1)) {
      System.out.println(compute.description());
      if (arguments.length == 1) {
        System.out.println(Scale.fitting(compute.memoryBytes()).name());
        return;
      }
      Scale scale = Scale.named(arguments[1]);
      try (PrintStream file =
          new PrintStream(
              Files.newOutputStream(Path.of(arguments[2])), true, StandardCharsets.UTF_8)) {
        GpuBenchmark benchmark = new GpuBenchmark(compute, scale, file);
        for (String part : Arrays.asList(arguments).subList(3, arguments.length)) {
          passed &= benchmark.passes(part);
        }
      }
    } catch (ComputeUnavailableException | IllegalArgumentException e) {
      System.err.println("GpuBenchmark: " + e.getMessage());
      System.exit(2);
    }
    if (!passed) {
      System.exit(1);
    }
  }

  private boolean passes(String part) throws InterruptedException {
    try {
      run(part);
      return true;
    } catch (RuntimeException e) {
      System.err.println("part " + part + " failed");
      e.printStackTrace();
      return false;
    }
  }

  private void run(String part) throws InterruptedException {
    Timer timer = new Timer(compute, BATCH_NANOS);
    OperationTimes operations = new OperationTimes(compute, scale, type, timer, this::write);
    StepTimes steps = new StepTimes(compute, scale, type, this::write);
    switch (part) {
      case "step" -> steps.steps();
      case "share" -> steps.shares();
      case "attention" -> operations.attention();
      case "memory" -> operations.memory();
      case "product" -> operations.products();
      default -> throw new IllegalArgumentException("unknown part '" + part + "'");
    }
  }

  /** Each line carries the device, so that no figure of an emulated one passes for another's. */
  private void write(Result result) {
    ObjectNode line = Json.MAPPER.valueToTree(result);
    line.put("device", compute.description());
    line.put("scale", scale.name());
    line.put("peakBytes", compute.memory().peakBytes());
    file.println(line);
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
