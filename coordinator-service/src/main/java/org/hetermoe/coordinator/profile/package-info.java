/**
 * How fast the devices of workers are, measured or emulated, kept by device and software; and how
 * fast the links between workers are, kept by pair.
 */
package org.hetermoe.coordinator.profile;
