/**
 * The step of an attention worker, the step of an expert worker, and {@code LocalTrainer}, the
 * single-process truth. Knows no particular device or transport.
 */
package org.hetermoe.train;
