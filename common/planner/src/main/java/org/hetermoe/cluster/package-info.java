/**
 * Clusters of mixed devices: how many of which kind, their prices, and the networks between them.
 */
package org.hetermoe.cluster;
