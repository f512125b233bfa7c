/** Which workers take part in an attempt at a run, and which experts each of them owns. */
package org.hetermoe.coordinator.placement;
