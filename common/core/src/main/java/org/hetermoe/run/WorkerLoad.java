package org.hetermoe.run;

import org.hetermoe.group.WorkerRank;

/**
 * What one worker of a group did with a step.
 *
 * @param peer the worker
 * @param busy share of the step that it did not wait for others
 * @param attentionSeconds spent on the attention side's tasks, waiting left out
 * @param expertSeconds spent on experts, waiting left out
 */
public record WorkerLoad(
    WorkerRank peer, double busy, double attentionSeconds, double expertSeconds) {}
