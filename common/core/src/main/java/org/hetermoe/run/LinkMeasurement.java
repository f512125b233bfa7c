package org.hetermoe.run;

import java.time.Instant;

/**
 * What was measured from one worker to another, over their direct channels' sockets; travels over
 * {@link Topics#LINKS} when one of them joins. It holds for the two workers until one of them is
 * another process, which is measured anew.
 *
 * @param from stable id of the worker that sends
 * @param to stable id of the worker that receives
 * @param bytesPerSecond of long messages
 * @param latencySeconds of a small message, one way
 * @param at when it was measured
 */
public record LinkMeasurement(
    String from, String to, double bytesPerSecond, double latencySeconds, Instant at) {}
