package org.hetermoe.coordinator.checkpoint;

import java.io.IOException;

/** The database gave back something else than was stored. */
final class CorruptChunkException extends IOException {
  private static final long serialVersionUID = 1L;

  CorruptChunkException(String message) {
    super(message);
  }
}
