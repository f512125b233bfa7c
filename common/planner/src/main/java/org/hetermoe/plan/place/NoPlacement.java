package org.hetermoe.plan.place;

/**
 * No placement fits.
 *
 * @param reason why, with the figures that matter
 */
public record NoPlacement(String reason) implements PlacementResult {}
