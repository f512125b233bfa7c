package org.hetermoe.coordinator.metrics;

import org.hetermoe.group.RunKey;

/**
 * Steps of an attempt have been stored.
 *
 * @param first of them
 * @param last of them
 */
public record StepsStored(RunKey attempt, int first, int last) {}
