package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import org.hetermoe.device.MeasuredProfile;

/**
 * How fast a worker's device is; travels over {@link Topics#PROFILES} when the worker joins. It
 * holds for every worker of the same device and software.
 *
 * @param device the device, as in {@link Heartbeat#compute()}
 * @param softwareVersion version of the worker
 * @param measured what was measured; null where the device is emulated
 * @param emulated device of the catalogue that the worker emulates; null where it was measured
 * @param at when it was measured
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record WorkerProfile(
    String device,
    String softwareVersion,
    MeasuredProfile measured,
    Emulated emulated,
    Instant at) {

  /**
   * An emulated device.
   *
   * @param device name in the catalogue
   * @param timeScale how many times slower
   */
  public record Emulated(String device, double timeScale) {}
}
