package org.hetermoe.cluster;

import org.hetermoe.device.DeviceProfile;

/**
 * A device of a cluster.
 *
 * @param profile what it can do
 * @param bytesPerSecond of its way to the others, in each direction
 * @param latencySeconds of a message
 * @param nic number of its network card; devices with the same number share it; negative for a card
 *     of its own
 */
public record Device(
    DeviceProfile profile, double bytesPerSecond, double latencySeconds, int nic) {}
