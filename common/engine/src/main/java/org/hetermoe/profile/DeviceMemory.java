package org.hetermoe.profile;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** Memory of the machine, for devices that compute in it. */
public final class DeviceMemory {
  private DeviceMemory() {}

  /** What this process and all others of its container may use together. */
  public static long bytes() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
  }
}
