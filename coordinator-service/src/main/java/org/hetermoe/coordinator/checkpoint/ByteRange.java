package org.hetermoe.coordinator.checkpoint;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A range of bytes, as RFC 9110 asks for it.
 *
 * @param first position of the first byte
 * @param last position of the last byte, inclusive
 */
record ByteRange(long first, long last) {
  private static final Pattern SINGLE = Pattern.compile("bytes=(\\d{0,18})-(\\d{0,18})");

  /** A whole content of some size, which is not 0. */
  static ByteRange all(long size) {
    return new ByteRange(0, size - 1);
  }

  /** Whether a header asks for a single range; one that does not is to be ignored. */
  static boolean single(String header) {
    if (header == null) {
      return false;
    }
    Matcher parts = SINGLE.matcher(header.strip());
    return parts.matches() && !(parts.group(1).isEmpty() && parts.group(2).isEmpty());
  }

  /**
   * What a single range means for a content.
   *
   * @param header for which {@link #single} holds
   * @param size of the content
   * @return empty if it covers no byte of it
   */
  static Optional<ByteRange> of(String header, long size) {
    Matcher parts = SINGLE.matcher(header.strip());
    if (!parts.matches()) {
      throw new IllegalArgumentException("not a single range: " + header);
    }
    if (parts.group(1).isEmpty()) {
      long suffix = Math.min(Long.parseLong(parts.group(2)), size);
      return suffix == 0 ? Optional.empty() : Optional.of(new ByteRange(size - suffix, size - 1));
    }
    long first = Long.parseLong(parts.group(1));
    long last = parts.group(2).isEmpty() ? size - 1 : Long.parseLong(parts.group(2));
    return first >= size || last < first
        ? Optional.empty()
        : Optional.of(new ByteRange(first, Math.min(last, size - 1)));
  }

  long length() {
    return last - first + 1;
  }
}
