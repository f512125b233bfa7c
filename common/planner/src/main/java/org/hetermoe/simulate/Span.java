package org.hetermoe.simulate;

/**
 * Something that one of a device's streams did.
 *
 * @param row number of the device
 * @param stream which of its streams
 * @param label what it did
 * @param start seconds from the begin of the step
 * @param end seconds from the begin of the step
 */
public record Span(int row, Stream stream, Label label, double start, double end) {
  /** A device's streams. */
  public enum Stream {
    COMPUTE,
    DISPATCH,
    COMBINE
  }

  /** How long it took. */
  public double seconds() {
    return end - start;
  }
}
