package org.hetermoe.profile;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import org.hetermoe.compute.Compute;

/** The memory that a device may use. */
public final class DeviceMemory {
  private DeviceMemory() {}

  /** The device's own, or the machine's where it computes in that. */
  public static long of(Compute compute) {
    return compute.memoryBytes().orElseGet(DeviceMemory::bytes);
  }

  /** What this process and all others of its container may use together. */
  public static long bytes() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
  }
}
