package org.hetermoe.plan.place;

/**
 * There is no placement.
 *
 * @param reason why, with the figures that matter
 */
public record NoPlacement(String reason) implements Planning {}
