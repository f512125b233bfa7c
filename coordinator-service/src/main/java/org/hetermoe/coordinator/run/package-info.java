/**
 * Runs: their life cycle, queue and history. What people ask for is in {@code RunRequests}, what
 * workers report in {@code AttemptProgress}, what nobody reports in {@code AttemptMonitor}; {@code
 * RunPlacer} begins attempts. Each change is a transaction that holds the row lock of the run, goes
 * through {@code RunTransitions}, and leaves its commands in the outbox; {@link
 * org.hetermoe.coordinator.run.RunScheduler} alone gives out workers.
 */
package org.hetermoe.coordinator.run;
