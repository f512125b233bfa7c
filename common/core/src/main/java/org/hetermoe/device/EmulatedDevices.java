package org.hetermoe.device;

import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.tensor.DType;

/** Devices of the catalogue, scaled so that real computing fits into their time. */
public final class EmulatedDevices {
  private EmulatedDevices() {}

  /**
   * A device.
   *
   * @param field where its name stands, for messages
   * @param name in the catalogue
   * @param timeScale how many times slower
   * @param widthScale how many times wider a model it is given
   * @param lengthScale how many times longer sequences it is given
   * @throws InvalidFieldException if the catalogue has none of that name
   */
  public static DeviceProfile of(
      String field, String name, double timeScale, int widthScale, int lengthScale) {
    Catalogue catalogue = Catalogue.builtIn().under(RuntimeOverheads.EMULATED);
    try {
      return new ScaledProfile(
          catalogue.device(name, DType.F16), timeScale, widthScale, lengthScale);
    } catch (InvalidFieldException unknown) {
      InvalidFieldException named =
          new InvalidFieldException(
              field,
              "there is no device '"
                  + name
                  + "'; known are "
                  + String.join(", ", catalogue.names()));
      named.initCause(unknown);
      throw named;
    }
  }
}
