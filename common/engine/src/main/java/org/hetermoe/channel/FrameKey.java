package org.hetermoe.channel;

import org.hetermoe.group.WorkerRank;

/**
 * What a receiver waits for. Within one attempt at a run a key is used once.
 *
 * @param phase what the frame carries
 * @param step optimizer step, from 1
 * @param subject which of the frames of that phase; of the kind that belongs to the phase
 * @param sender who sends it
 */
public record FrameKey(Phase phase, int step, Subject subject, WorkerRank sender) {
  public FrameKey {
    if (!phase.subject().isInstance(subject)) {
      throw new IllegalArgumentException(
          phase + " is about a " + phase.subject().getSimpleName() + ", not " + subject);
    }
  }
}
