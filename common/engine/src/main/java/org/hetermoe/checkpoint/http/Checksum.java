package org.hetermoe.checkpoint.http;

import java.util.HexFormat;
import java.util.zip.CRC32C;

/** The checksum that goes with bytes of a checkpoint. */
final class Checksum {
  /** The header that carries it, as 8 lower-case hexadecimal digits. */
  static final String HEADER = "X-Checksum-Crc32c";

  private Checksum() {}

  static String crc32c(byte[] content) {
    CRC32C checksum = new CRC32C();
    checksum.update(content);
    return HexFormat.of().toHexDigits((int) checksum.getValue());
  }
}
