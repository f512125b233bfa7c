package org.hetermoe.channel;

import java.util.Locale;
import java.util.Optional;

/** Why a frame, or a connection that would carry frames, is refused. Codes are on the wire. */
public enum Refusal {
  /** It does not begin as ours do. */
  BAD_MAGIC(1),
  /** A version that this software does not speak. */
  BAD_VERSION(2),
  /** Header or payload do not match their checksum. */
  BAD_CHECKSUM(3),
  /** No such phase. */
  UNKNOWN_PHASE(4),
  /** No such element type. */
  UNKNOWN_DTYPE(5),
  /** Sizes above the limit. */
  TOO_LARGE(6),
  /** Sizes that contradict each other, or negative ones. */
  SIZE_MISMATCH(7),
  /** Of a run that this process has no part in. */
  OTHER_RUN(8),
  /** Of another attempt at the run. */
  OTHER_ATTEMPT(9),
  /** For a worker that is not here. */
  WRONG_RECEIVER(10),
  /** From a worker that is not of the run, or not the one that the connection belongs to. */
  UNKNOWN_SENDER(11),
  /** There before: a key that came already, a sender that is connected already. */
  DUPLICATE(12),
  /** Of a step long past. */
  STALE(13),
  /** Ended early. */
  TRUNCATED(14),
  /** Said nothing for too long. */
  TIMEOUT(15),
  /** More connections than are served at a time; or one that would disturb a run. */
  BUSY(16);

  private final int code;

  Refusal(int code) {
    this.code = code;
  }

  /** The number on the wire, from 1. */
  public int code() {
    return code;
  }

  /** The refusal with that number on the wire; empty if there is none. */
  public static Optional<Refusal> ofCode(int code) {
    for (Refusal refusal : values()) {
      if (refusal.code == code) {
        return Optional.of(refusal);
      }
    }
    return Optional.empty();
  }

  /** The name in metrics and messages. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
