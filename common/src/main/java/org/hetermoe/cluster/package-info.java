/** What devices and links of mixed clusters can do: device profiles, catalogue, networks. */
package org.hetermoe.cluster;
