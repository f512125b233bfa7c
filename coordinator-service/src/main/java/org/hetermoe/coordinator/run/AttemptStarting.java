package org.hetermoe.coordinator.run;

/**
 * Another attempt at a run is about to begin, in this transaction, which holds the run against
 * every other change. Whoever keeps something that earlier attempts left behind after that step
 * removes it now.
 *
 * @param run still with the number of the attempt before
 * @param resumeFromStep step of its newest complete checkpoint; 0 where there is none
 */
public record AttemptStarting(Run run, int resumeFromStep) {}
