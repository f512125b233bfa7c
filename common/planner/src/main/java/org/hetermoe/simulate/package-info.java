/** Discrete-event execution of schedules on device profiles, baselines, charts. */
package org.hetermoe.simulate;
