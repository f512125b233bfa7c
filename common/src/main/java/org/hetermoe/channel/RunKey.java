package org.hetermoe.channel;

import java.util.UUID;

/**
 * Which run, and which attempt at it. Frames of another run or epoch are refused.
 *
 * @param run id of the run
 * @param epoch 1 at first; one more each time the run is resumed
 */
public record RunKey(UUID run, int epoch) {}
