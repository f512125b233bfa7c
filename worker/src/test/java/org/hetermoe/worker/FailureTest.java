package org.hetermoe.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.stream.Stream;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.DeviceException;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.FailureKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FailureTest {
  static Stream<Arguments> causes() {
    return Stream.of(
        Arguments.of(FailureKind.PEER, new ChannelException("lost", new IOException("reset"))),
        Arguments.of(FailureKind.CONFIGURATION, new InvalidFieldException("seed", "is odd")),
        Arguments.of(FailureKind.CONFIGURATION, new ComputeUnavailableException("no driver")),
        Arguments.of(FailureKind.DEVICE, new DeviceException("an illegal address")),
        Arguments.of(FailureKind.MEMORY, new OutOfMemoryError("Java heap space")),
        Arguments.of(FailureKind.DATA, new UncheckedIOException(new IOException("no file /x"))),
        Arguments.of(FailureKind.WORKER, new InterruptedException()),
        Arguments.of(FailureKind.SOFTWARE, new NullPointerException()));
  }

  @ParameterizedTest
  @MethodSource("causes")
  void theKindIsThatOfTheCause(FailureKind kind, Throwable cause) {
    assertThat(Failure.of(cause).kind()).isEqualTo(kind);
    assertThat(Failure.of(new IllegalStateException("while it prepared", cause)).kind())
        .isEqualTo(kind);
  }

  @Test
  void aRankIsNamed() {
    assertThat(Failure.of(new IOException("no file /x")).of("expert-0"))
        .isEqualTo(new Failure(FailureKind.DATA, "expert-0: no file /x"));
  }
}
