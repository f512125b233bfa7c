/**
 * Holds the arithmetic against reference numbers: a folder with a model and what another
 * implementation computed with it.
 */
package org.hetermoe.parity;
