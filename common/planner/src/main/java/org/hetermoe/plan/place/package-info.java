/**
 * Who owns which expert of a ZP group: Algorithm 1 of the paper, the search that betters it,
 * bounds.
 */
package org.hetermoe.plan.place;
