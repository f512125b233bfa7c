/** How fast the devices of workers are: measured or emulated, kept by device and software. */
package org.hetermoe.coordinator.profile;
