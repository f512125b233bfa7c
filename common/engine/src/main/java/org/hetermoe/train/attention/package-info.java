/**
 * The attention side of a group: embedding, attention, route and dispatch, combine, head and loss;
 * replicated on all attention ranks, which add up their gradients.
 */
package org.hetermoe.train.attention;
