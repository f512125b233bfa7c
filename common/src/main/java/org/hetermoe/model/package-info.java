/**
 * The decoder-only Mixture-of-Experts transformer (Mixtral's architecture): its sizes, its
 * parameters by name, the attention part of a layer, its experts, and the seam between the two.
 */
package org.hetermoe.model;
