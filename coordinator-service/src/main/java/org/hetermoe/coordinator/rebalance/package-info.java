/** Moves experts while runs run: by what their steps show, or on request. */
package org.hetermoe.coordinator.rebalance;
