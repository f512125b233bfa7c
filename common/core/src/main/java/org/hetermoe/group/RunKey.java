package org.hetermoe.group;

import java.util.UUID;

/**
 * Which run, and which attempt at it. Frames of any other are refused.
 *
 * @param run id of the run
 * @param attempt 1 at first; one more each time the run is resumed
 */
public record RunKey(UUID run, int attempt) {}
