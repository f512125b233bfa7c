package org.hetermoe.plan;

/**
 * A worker's way to the others, full duplex.
 *
 * @param bytesPerSecond in each direction
 * @param latencySeconds of one message
 */
public record LinkCosts(double bytesPerSecond, double latencySeconds) {}
