package org.hetermoe.plan;

import org.hetermoe.group.WorkerRank;

/**
 * A further owner of an expert.
 *
 * @param layer of the expert
 * @param expert in its layer
 * @param worker that owns it too
 */
public record Replica(int layer, int expert, WorkerRank worker) {}
