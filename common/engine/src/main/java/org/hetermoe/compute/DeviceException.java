package org.hetermoe.compute;

/** A device that had started cannot go on; the message says why. */
public class DeviceException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public DeviceException(String message) {
    super(message);
  }

  /** Whether it had too little memory, which another device of its kind has as well. */
  public boolean outOfMemory() {
    return false;
  }
}
