/** Placeholder. */
package org.hetermoe.coordinator;
