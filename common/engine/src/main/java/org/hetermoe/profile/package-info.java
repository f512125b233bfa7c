/** Measures how fast a device of this machine is at each part of a training step (paper §5). */
package org.hetermoe.profile;
