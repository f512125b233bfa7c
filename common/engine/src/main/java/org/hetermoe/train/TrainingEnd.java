package org.hetermoe.train;

/**
 * How training ended.
 *
 * @param steps last step done
 * @param stopped whether it ended before the run's last step
 */
public record TrainingEnd(int steps, boolean stopped) {}
