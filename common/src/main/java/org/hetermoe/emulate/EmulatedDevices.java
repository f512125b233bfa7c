package org.hetermoe.emulate;

import org.hetermoe.cluster.DeviceProfile;
import org.hetermoe.cluster.SlowedProfile;

/** Devices of the catalogue, slowed so that real computing fits into their time. */
public final class EmulatedDevices {
  private EmulatedDevices() {}

  /**
   * A device.
   *
   * @param field where its name stands, for messages
   * @param name in the catalogue
   * @param timeScale how many times slower
   * @throws org.hetermoe.model.InvalidFieldException if the catalogue has none of that name
   */
  public static DeviceProfile of(String field, String name, double timeScale) {
    throw new UnsupportedOperationException(field + name + timeScale + SlowedProfile.class);
  }
}
