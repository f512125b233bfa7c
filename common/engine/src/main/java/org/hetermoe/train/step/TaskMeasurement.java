package org.hetermoe.train.step;

/**
 * How a task went.
 *
 * @param beginNanos when it began, of {@link System#nanoTime}
 * @param endNanos when it ended
 * @param deviceNanos how long the device computed; on the processor's own device all but the
 *     waiting for other ranks
 * @param expertRows rows that experts computed
 * @param sentBytes given to the channel
 */
public record TaskMeasurement(
    long beginNanos, long endNanos, long deviceNanos, long expertRows, long sentBytes) {}
