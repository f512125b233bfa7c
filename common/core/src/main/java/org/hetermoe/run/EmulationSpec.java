package org.hetermoe.run;

import java.util.Optional;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.EmulatedDevices;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;

/**
 * Devices of the catalogue whose pace the workers of a run keep. They compute for real, and then
 * take as long as the device would, times a scale: so the numbers of a run do not change, only its
 * time.
 *
 * @param attention device of every attention worker; empty for the worker's own
 * @param experts device of every expert worker; empty for the worker's own
 * @param timeScale how many times slower than the device, so that the real computing fits in
 * @param widthScale how many times wider than the run's is the model whose time is taken
 * @param lengthScale how many times longer than the run's are the sequences whose time is taken
 */
public record EmulationSpec(
    String attention, String experts, double timeScale, int widthScale, int lengthScale) {
  public EmulationSpec {
    if (!(timeScale > 0) || Double.isInfinite(timeScale)) {
      throw new InvalidFieldException(
          "emulation.time_scale", "must be greater than 0, is " + timeScale);
    }
    atLeastOne("width_scale", widthScale);
    atLeastOne("length_scale", lengthScale);
    checkAttends(device("attention", attention, timeScale, widthScale, lengthScale));
    device("experts", experts, timeScale, widthScale, lengthScale);
  }

  /** The device that workers of a role emulate; empty for their own. */
  public Optional<DeviceProfile> device(WorkerRank.Role role) {
    return switch (role) {
      case ATTENTION -> device("attention", attention, timeScale, widthScale, lengthScale);
      case EXPERT -> device("experts", experts, timeScale, widthScale, lengthScale);
    };
  }

  private static Optional<DeviceProfile> device(
      String field, String name, double timeScale, int widthScale, int lengthScale) {
    return name.isBlank()
        ? Optional.empty()
        : Optional.of(
            EmulatedDevices.of("emulation." + field, name, timeScale, widthScale, lengthScale));
  }

  private static void checkAttends(Optional<DeviceProfile> device) {
    if (device.isPresent() && !device.get().attention()) {
      throw new InvalidFieldException(
          "emulation.attention",
          "must be a device that can compute attention, is " + device.get().name());
    }
  }

  private static void atLeastOne(String field, int value) {
    if (value < 1) {
      throw new InvalidFieldException("emulation." + field, "must be at least 1, is " + value);
    }
  }
}
