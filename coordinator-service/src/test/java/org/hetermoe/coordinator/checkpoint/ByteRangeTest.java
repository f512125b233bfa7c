package org.hetermoe.coordinator.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteRangeTest {
  @ParameterizedTest
  @CsvSource({
    "bytes=0-0, 0, 0",
    "bytes=2-5, 2, 5",
    "bytes=9-, 9, 9",
    "bytes=3-999999999999999999, 3, 9",
    "bytes=-1, 9, 9",
    "bytes=-99, 0, 9",
  })
  void meansPositions(String header, long first, long last) {
    assertThat(ByteRange.single(header)).isTrue();
    assertThat(ByteRange.of(header, 10)).contains(new ByteRange(first, last));
  }

  @ParameterizedTest
  @ValueSource(strings = {"bytes=10-", "bytes=10-12", "bytes=5-4", "bytes=-0"})
  void coversNothing(String header) {
    assertThat(ByteRange.single(header)).isTrue();
    assertThat(ByteRange.of(header, 10)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"bytes=-", "bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes=1", "", "bytes=--1"})
  void isNotASingleRange(String header) {
    assertThat(ByteRange.single(header)).isFalse();
  }
}
