/** Placeholder. */
package org.hetermoe.worker;
