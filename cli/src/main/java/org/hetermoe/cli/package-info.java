/** Placeholder. */
package org.hetermoe.cli;
