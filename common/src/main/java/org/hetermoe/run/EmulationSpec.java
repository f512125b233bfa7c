package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonIgnore;
import org.hetermoe.group.Peer;
import org.hetermoe.model.InvalidFieldException;

/**
 * Devices of the catalogue whose pace the workers of a run keep. They compute for real, and then
 * take as long as the device would, times a scale: so the numbers of a run do not change, only its
 * time.
 *
 * @param attention device of every attention worker; empty for the worker's own
 * @param experts device of every expert worker; empty for the worker's own
 * @param timeScale how many times slower than the device, so that the real computing fits in
 */
public record EmulationSpec(String attention, String experts, double timeScale) {
  public EmulationSpec {
    if (!(timeScale > 0) || Double.isInfinite(timeScale)) {
      throw new InvalidFieldException(
          "emulation.time_scale", "must be greater than 0, is " + timeScale);
    }
  }

  /** Name of the device that workers of a role emulate; empty for their own. */
  public String device(Peer.Role role) {
    return switch (role) {
      case ATTENTION -> attention;
      case EXPERT -> experts;
    };
  }

  /** Whether workers of a role emulate a device. */
  @JsonIgnore
  public boolean emulates(Peer.Role role) {
    return !device(role).isBlank();
  }
}
