/**
 * What is planned for runs: who computes what, and what that promises; at the start, and again
 * while a run runs and its experts' loads are known.
 */
package org.hetermoe.coordinator.planning;
