package org.hetermoe.device;

import java.util.OptionalDouble;

/**
 * What a runtime takes beside the work itself.
 *
 * @param name that people call it by
 * @param launch seconds of starting the kernels of one part of a layer, or of one expert; empty for
 *     what the device's sheet says
 * @param task seconds that pass before each task of a schedule, the device idle; empty for what the
 *     device's sheet says
 * @param reservedBytes of a device's memory, whatever is trained: driver, libraries, communication
 *     buffers
 */
public record RuntimeOverheads(
    String name, OptionalDouble launch, OptionalDouble task, long reservedBytes) {
  /**
   * The prototype of the paper (arXiv 2504.03871): the catalogue's sheets are fitted to it, 40
   * microseconds a launch and 2.5 ms a task on GPUs (Table 3).
   */
  public static final RuntimeOverheads PAPER =
      new RuntimeOverheads("paper", OptionalDouble.empty(), OptionalDouble.empty(), 1_000_000_000L);

  /** Devices that services emulate: they take the time of a kernel's start, but no pauses. */
  public static final RuntimeOverheads EMULATED =
      new RuntimeOverheads("emulated", OptionalDouble.empty(), OptionalDouble.of(0), 0);

  /** The services on real devices: what {@code profile} measures has all there is. */
  public static final RuntimeOverheads SERVICES =
      new RuntimeOverheads("services", OptionalDouble.of(0), OptionalDouble.of(0), 0);

  private static final double MICRO = 1e-6;

  public RuntimeOverheads {
    notNegative("launch", launch.orElse(0));
    notNegative("task", task.orElse(0));
    notNegative("reserved_bytes", (double) reservedBytes);
  }

  private static void notNegative(String field, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(field + " must be 0 or more, is " + value);
    }
  }

  double launchSeconds(DataSheet sheet) {
    return launch.orElse(sheet.launchMicroseconds() * MICRO);
  }

  double taskSeconds(DataSheet sheet) {
    return task.orElse(sheet.taskMicroseconds() * MICRO);
  }
}
