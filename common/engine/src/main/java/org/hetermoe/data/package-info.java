/**
 * Text to tokens to sequences: sources, tokenisers, packed token files, batches in an order that
 * follows from the seed.
 */
package org.hetermoe.data;
