package org.hetermoe.cluster;

import org.hetermoe.model.InvalidFieldException;

/**
 * The network between devices.
 *
 * @param gbps of a device's network card in each direction, 10^9 bits per second
 * @param efficiency share of that which transfers reach
 * @param latencyMicroseconds of a message
 * @param devicesPerNic devices that share a card
 */
public record NetworkSpec(
    Double gbps, Double efficiency, Double latencyMicroseconds, Integer devicesPerNic) {
  /** The paper's larger clusters (§6.1), and ours where nothing else is said. */
  public static final double DEFAULT_GBPS = 100;

  /** What collective transfers over RoCE reach of the line's rate. */
  private static final double DEFAULT_EFFICIENCY = 0.9;

  private static final double DEFAULT_LATENCY_MICROSECONDS = 20;

  private static final double BYTES_PER_GIGABIT = 1e9 / 8;
  private static final double MICRO = 1e-6;

  public NetworkSpec {
    gbps = gbps == null ? DEFAULT_GBPS : gbps;
    efficiency = efficiency == null ? DEFAULT_EFFICIENCY : efficiency;
    latencyMicroseconds =
        latencyMicroseconds == null ? DEFAULT_LATENCY_MICROSECONDS : latencyMicroseconds;
    devicesPerNic = devicesPerNic == null ? 1 : devicesPerNic;
    check(
        gbps > 0 && Double.isFinite(gbps),
        "gbps",
        "must be greater than 0 (gigabits per second of each network card), is " + gbps);
    check(
        efficiency > 0 && efficiency <= 1,
        "efficiency",
        "must be greater than 0 and at most 1, is " + efficiency);
    check(
        latencyMicroseconds >= 0 && Double.isFinite(latencyMicroseconds),
        "latency_microseconds",
        "must be 0 or more, is " + latencyMicroseconds);
    check(devicesPerNic >= 1, "devices_per_nic", "must be at least 1, is " + devicesPerNic);
  }

  /** This network with cards of another rate. */
  NetworkSpec withGbps(double other) {
    return new NetworkSpec(other, efficiency, latencyMicroseconds, devicesPerNic);
  }

  double bytesPerSecond() {
    return gbps * BYTES_PER_GIGABIT * efficiency;
  }

  double latencySeconds() {
    return latencyMicroseconds * MICRO;
  }

  private static void check(boolean valid, String field, String problem) {
    if (!valid) {
      throw new InvalidFieldException("network." + field, problem);
    }
  }
}
