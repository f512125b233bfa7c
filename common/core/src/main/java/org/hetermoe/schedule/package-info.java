/** The order in which the workers of a group compute the tasks of a step. */
package org.hetermoe.schedule;
