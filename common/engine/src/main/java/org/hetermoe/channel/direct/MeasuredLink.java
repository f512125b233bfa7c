package org.hetermoe.channel.direct;

/**
 * What was measured between this process and a peer, of the sockets alone: frames are copied and
 * checked beside.
 *
 * @param latencySeconds of a small message, one way: half of the median round trip
 * @param bytesPerSecondOut from here to the peer, of long messages
 * @param bytesPerSecondIn from the peer to here
 */
public record MeasuredLink(
    double latencySeconds, double bytesPerSecondOut, double bytesPerSecondIn) {}
