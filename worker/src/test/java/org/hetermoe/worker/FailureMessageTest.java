package org.hetermoe.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import java.nio.channels.ClosedChannelException;
import org.junit.jupiter.api.Test;

class FailureMessageTest {
  @Test
  void whatTheOutermostSaysComesFirstAndStays() {
    Throwable root = new ConnectException().initCause(new ClosedChannelException());

    assertThat(
            FailureMessage.of(new IOException("PUT /x failed for 120 s: ConnectException", root)))
        .isEqualTo("PUT /x failed for 120 s: ConnectException: ClosedChannelException");
  }

  @Test
  void wrappersThatOnlyRepeatTheirCauseAreLeftOut() {
    assertThat(FailureMessage.of(new IllegalStateException(new IOException("no file /x"))))
        .isEqualTo("no file /x");
  }

  @Test
  void theRootIsNamed() {
    assertThat(
            FailureMessage.of(
                new IllegalStateException("cannot prepare", new IOException("no /x"))))
        .isEqualTo("cannot prepare: no /x");
  }

  @Test
  void itIsOneLineOfBoundedLength() {
    assertThat(FailureMessage.of(new IOException("a\n  b"))).isEqualTo("a b");
    assertThat(FailureMessage.of(new IOException("x".repeat(10_000)))).hasSize(500).endsWith("...");
  }

  @Test
  void aCircleOfCausesEnds() {
    IOException first = new IOException("first");
    first.initCause(new IOException("second", first));

    assertThat(FailureMessage.of(first)).isEqualTo("first: second");
  }
}
