/**
 * Step metrics of runs: taken in batches, stored once per step, the latest attempt's. Also the
 * gauges that this process shows of runs.
 */
package org.hetermoe.coordinator.metrics;
