package org.hetermoe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.hetermoe.model.InvalidFieldException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class Crc32cTest {
  /** The check value of CRC-32/ISCSI in the catalogue of parametrised CRC algorithms. */
  @Test
  void agreesWithTheCheckValueOfTheAlgorithm() {
    Crc32c checksum = Crc32c.of("123456789".getBytes(StandardCharsets.US_ASCII));

    assertThat(checksum).hasToString("e3069283");
    assertThat(Crc32c.parse("header", "E3069283")).isEqualTo(checksum);
  }

  @Test
  void keepsLeadingZeros() {
    assertThat(new Crc32c(0x1f)).hasToString("0000001f");
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(strings = {"", "e306928", "e30692833", "e306928g", " e3069283"})
  void namesWhatIsMalformed(String text) {
    assertThatThrownBy(() -> Crc32c.parse(Crc32c.HEADER, text))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageStartingWith("X-Checksum-Crc32c: ");
  }
}
