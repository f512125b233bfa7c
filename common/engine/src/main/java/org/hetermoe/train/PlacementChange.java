package org.hetermoe.train;

import org.hetermoe.group.Placement;

/**
 * Experts have moved while a run runs.
 *
 * @param step the step after which they moved
 * @param placement which worker owns which expert from the next step on
 * @param seconds that the slowest worker took to give and take them
 */
public record PlacementChange(int step, Placement placement, double seconds) {}
