package org.hetermoe.channel;

import org.hetermoe.group.WorkerRank;

/**
 * What a receiver waits for. Within one run and attempt a key is used once.
 *
 * @param phase what the frame carries
 * @param step optimizer step, from 1
 * @param layer expert layer, or the piece's number where the phase has no layer
 * @param microBatch micro-batch within the step; evaluation counts on from R
 * @param sender who sends it
 */
public record FrameKey(Phase phase, int step, int layer, int microBatch, WorkerRank sender) {}
