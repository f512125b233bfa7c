/**
 * The layers of the decoder-only Mixture-of-Experts transformer (Mixtral's architecture), forward
 * beside backward: attention part, experts, head, their parameters, and the seam between attention
 * and experts.
 */
package org.hetermoe.nn;
