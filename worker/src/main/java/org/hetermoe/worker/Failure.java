package org.hetermoe.worker;

import java.io.IOException;
import java.util.Optional;
import org.hetermoe.api.ApiException;
import org.hetermoe.channel.ChannelException;
import org.hetermoe.channel.PeerLostException;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.DeviceException;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.FailureKind;

/**
 * Why this worker cannot go on with an attempt.
 *
 * @param kind what it has to do with
 * @param reason in one line, for people
 * @param peer the rank that cannot be reached, where that is known
 */
record Failure(FailureKind kind, String reason, Optional<WorkerRank> peer) {
  /** This process is told to end. */
  static final Failure SHUTDOWN = new Failure(FailureKind.WORKER, "worker is shutting down");

  /** Causes can form a circle. */
  private static final int DEEPEST = 20;

  Failure(FailureKind kind, String reason) {
    this(kind, reason, Optional.empty());
  }

  /** What an exception means; its outermost cause that tells decides. */
  static Failure of(Throwable failure) {
    int depth = 0;
    for (Throwable cause = failure; cause != null && depth < DEEPEST; cause = cause.getCause()) {
      Optional<FailureKind> kind = kind(cause);
      if (kind.isPresent()) {
        return new Failure(kind.get(), FailureMessage.of(failure), lostPeer(failure));
      }
      depth++;
    }
    return new Failure(FailureKind.SOFTWARE, FailureMessage.of(failure));
  }

  /** The same, of one of several ranks. */
  Failure of(Object rank) {
    return new Failure(kind, rank + ": " + reason, peer);
  }

  private static Optional<WorkerRank> lostPeer(Throwable failure) {
    int depth = 0;
    for (Throwable cause = failure; cause != null && depth < DEEPEST; cause = cause.getCause()) {
      if (cause instanceof PeerLostException lost) {
        return Optional.of(lost.peer());
      }
      depth++;
    }
    return Optional.empty();
  }

  private static Optional<FailureKind> kind(Throwable cause) {
    return Optional.ofNullable(
        switch (cause) {
          case ChannelException _ -> FailureKind.PEER;
          // A device that was asked for and is not there is asked for again by the next attempt.
          case InvalidFieldException _, ComputeUnavailableException _ -> FailureKind.CONFIGURATION;
          case DeviceException device ->
              device.outOfMemory() ? FailureKind.MEMORY : FailureKind.DEVICE;
          case OutOfMemoryError _ -> FailureKind.MEMORY;
          // Only checkpoints come from the coordinator.
          case ApiException _ -> FailureKind.CHECKPOINT;
          case InterruptedException _ -> FailureKind.WORKER;
          case IOException _ -> FailureKind.DATA;
          default -> null;
        });
  }
}
