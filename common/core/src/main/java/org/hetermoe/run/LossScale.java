package org.hetermoe.run;

/**
 * The scaling of the loss in one step of a group that computes in fp16.
 *
 * @param scale of this step
 * @param goodSteps steps before this one since the scale last changed
 * @param skipped whether gradients overflowed, so that no weight was updated
 * @param skippedSteps steps of the run so far that were skipped, this one included
 */
public record LossScale(double scale, int goodSteps, boolean skipped, int skippedSteps) {}
