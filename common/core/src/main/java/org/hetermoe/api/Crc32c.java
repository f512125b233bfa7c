package org.hetermoe.api;

import java.util.HexFormat;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.hetermoe.model.InvalidFieldException;

/**
 * The checksum that goes with bytes of a checkpoint: a CRC-32C, written as 8 hexadecimal digits.
 */
public record Crc32c(int value) {
  /** The header that carries it. */
  public static final String HEADER = "X-Checksum-Crc32c";

  private static final Pattern TEXT = Pattern.compile("[0-9a-fA-F]{8}");

  /** Of bytes. */
  public static Crc32c of(byte[] content) {
    CRC32C crc = new CRC32C();
    crc.update(content, 0, content.length);
    return new Crc32c((int) crc.getValue());
  }

  /**
   * From text.
   *
   * @param field what to name where it is malformed or missing
   */
  public static Crc32c parse(String field, String text) {
    if (text == null || !TEXT.matcher(text).matches()) {
      throw new InvalidFieldException(
          field, "must be the CRC-32C of the body as 8 hexadecimal digits");
    }
    return new Crc32c(HexFormat.fromHexDigits(text));
  }

  @Override
  public String toString() {
    return HexFormat.of().toHexDigits(value);
  }
}
