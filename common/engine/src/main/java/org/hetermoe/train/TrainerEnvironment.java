package org.hetermoe.train;

import java.nio.file.Path;
import java.util.function.Consumer;
import org.hetermoe.checkpoint.CheckpointStore;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.train.step.TaskListener;

/**
 * What a rank needs beyond its assignment, device and channel.
 *
 * @param checkpoints where checkpoints are kept
 * @param dataDirectory where packed token files are kept
 * @param metrics takes the metrics of each step; called by attention worker 0, must not block
 * @param placements takes every placement that the group goes on with after a move; called by
 *     attention worker 0, must not block
 * @param listener is told what the rank does
 */
public record TrainerEnvironment(
    CheckpointStore checkpoints,
    Path dataDirectory,
    Consumer<StepMetrics> metrics,
    Consumer<PlacementChange> placements,
    TaskListener listener) {}
