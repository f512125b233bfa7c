/**
 * Runs: their life cycle, queue and history. Every change happens in a transaction that holds the
 * row lock of the run; {@link org.hetermoe.coordinator.run.RunScheduler} alone gives out workers.
 */
package org.hetermoe.coordinator.run;
