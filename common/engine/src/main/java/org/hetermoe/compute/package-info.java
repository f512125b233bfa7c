/**
 * The device interface: stateless operations over device tensors, each forward beside its backward,
 * and the look-up of a device by name. Whoever implements {@link org.hetermoe.compute.Compute} must
 * give the same bits for the same operands, whatever its number of threads and however warm its
 * just-in-time compiler: work is cut by shape, never by thread count
 * (docs/adr/0003-same-numbers.md).
 */
package org.hetermoe.compute;
