package org.hetermoe.run;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BrokerAddressesTest {
  @ParameterizedTest
  @ValueSource(strings = {"no-such.invalid:9092", "a.invalid:1, PLAINTEXT://b.invalid:2"})
  void hostsWithoutAnAddressAreToldApart(String servers) {
    assertThat(BrokerAddresses.nameless(servers)).isTrue();
  }

  /** One is enough; and what is none is for the client to refuse. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.0.0.1:9092",
        "[::1]:9092",
        "a.invalid:1,127.0.0.1:2",
        "SASL_SSL://127.0.0.1:9092",
        "a.invalid",
        "a.invalid:port",
        ""
      })
  void othersAreNot(String servers) {
    assertThat(BrokerAddresses.nameless(servers)).isFalse();
  }
}
