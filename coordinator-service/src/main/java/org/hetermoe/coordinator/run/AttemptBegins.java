package org.hetermoe.coordinator.run;

/**
 * Another attempt at a run begins, in this transaction, which holds the run against every other
 * change. Whoever keeps something that earlier attempts left behind after that step removes it now.
 *
 * @param run still with the attempt of the attempt before
 * @param resumeFromStep step of its newest complete checkpoint; 0 where there is none
 */
public record AttemptBegins(Run run, int resumeFromStep) {}
