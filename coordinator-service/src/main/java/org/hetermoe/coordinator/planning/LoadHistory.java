package org.hetermoe.coordinator.planning;

import java.util.UUID;

/** What the steps of a run have shown of its experts. */
public interface LoadHistory {
  /**
   * The last steps of a run up to one, whichever attempts did them.
   *
   * @param step the last one that counts
   * @param most how many of them
   */
  StepWindow upTo(UUID run, int step, int most);
}
