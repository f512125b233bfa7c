package org.hetermoe.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import org.hetermoe.device.MeasuredProfile;
import org.hetermoe.tensor.DType;

/**
 * How fast a worker's device is; travels over {@link Topics#PROFILES} when the worker joins. It
 * holds for every worker of the same device and software.
 *
 * @param device the device and what it computed in, by {@link #name}
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
   * What a device is called that computes in a type: as in {@link Heartbeat#compute()}, with the
   * type where that is not fp32.
   */
  public static String name(String compute, DType type) {
    return type == DType.F32 ? compute : compute + ", " + type.label();
  }

  /**
   * An emulated device.
   *
   * @param device name in the catalogue
   * @param timeScale how many times slower
   */
  public record Emulated(String device, double timeScale) {}
}
