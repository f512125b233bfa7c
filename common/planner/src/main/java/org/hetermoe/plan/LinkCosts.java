package org.hetermoe.plan;

/**
 * A worker's way to the others, full duplex.
 *
 * @param bytesPerSecond in each direction
 * @param latencySeconds of one message
 * @param nic number of the network card; workers with the same number share its bandwidth; {@link
 *     #OWN} for a card of its own
 */
public record LinkCosts(double bytesPerSecond, double latencySeconds, int nic) {
  /** The worker shares its network card with nobody. */
  public static final int OWN = -1;

  /** A link with a network card of its own. */
  public LinkCosts(double bytesPerSecond, double latencySeconds) {
    this(bytesPerSecond, latencySeconds, OWN);
  }

  /** Seconds that a message occupies the link, in one direction. */
  public double seconds(double bytes) {
    return bytes > 0 ? bytes / bytesPerSecond : 0;
  }
}
