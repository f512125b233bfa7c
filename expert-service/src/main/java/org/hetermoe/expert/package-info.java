/** Placeholder. */
package org.hetermoe.expert;
