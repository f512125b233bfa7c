package org.hetermoe.compute;

/**
 * What a device's tensors take, to the byte: those that it allocated, whatever its pool rounds up
 * to, and the buffers of channels that it computes on. Views take nothing.
 *
 * @param inUseBytes now
 * @param peakBytes most at any time since the device was opened
 */
public record MemoryUse(long inUseBytes, long peakBytes) {}
