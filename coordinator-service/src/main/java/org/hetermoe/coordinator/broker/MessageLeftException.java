package org.hetermoe.coordinator.broker;

/**
 * A message was not stored because this process ends. Its consumer stops without committing the
 * offset, so the next coordinator takes it.
 */
final class MessageLeftException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  MessageLeftException() {
    // One for every message that waits, none of them with anything to tell beside this.
    super("left to the next coordinator, for this one ends", null, false, false);
  }
}
