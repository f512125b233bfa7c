/** Placeholder. */
package org.hetermoe.attention;
