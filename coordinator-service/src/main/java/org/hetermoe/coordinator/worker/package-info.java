/**
 * Workers: who lives, since when, on what. Their lives are measured by this process's own clock.
 */
package org.hetermoe.coordinator.worker;
