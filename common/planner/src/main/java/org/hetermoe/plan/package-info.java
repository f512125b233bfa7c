/** What the tasks of a group's step cost, in time and memory. Pure functions. */
package org.hetermoe.plan;
