package org.hetermoe.run;

import java.util.Locale;

/** What the cause of a failed attempt has to do with, which decides whether another may succeed. */
public enum FailureKind {
  /** Another worker, or the way to it, was lost. */
  PEER(true),
  /** The worker itself is lost, ends, or was not ready in time. */
  WORKER(true),
  /** A checkpoint could not be read or stored. */
  CHECKPOINT(true),
  /** The device failed, or is not there. */
  DEVICE(true),
  /** Host or device have too little memory. */
  MEMORY(false),
  /** The data cannot be read. */
  DATA(false),
  /** The run asks for what cannot be. */
  CONFIGURATION(false),
  /** A fault of the software. */
  SOFTWARE(false);

  private final boolean infrastructure;

  FailureKind(boolean infrastructure) {
    this.infrastructure = infrastructure;
  }

  /** Whether another attempt, with other workers or later, may succeed without anybody's help. */
  public boolean infrastructure() {
    return infrastructure;
  }

  /** Its name for people. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
