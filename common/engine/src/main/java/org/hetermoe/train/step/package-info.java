/**
 * What both sides of a group need to go through a step together: a rank's end of the channel, the
 * messages that end a step, the numbers it gives, and the listener that is told what happens.
 */
package org.hetermoe.train.step;
