/** Placeholder. */
package org.hetermoe.benchmark;
