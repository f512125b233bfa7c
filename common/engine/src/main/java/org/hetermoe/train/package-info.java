/**
 * Training: the loop over steps of one rank, what a rank does in a run, a whole group in one
 * process, and {@code LocalTrainer}, the single-process truth. Knows no particular device or
 * transport.
 */
package org.hetermoe.train;
