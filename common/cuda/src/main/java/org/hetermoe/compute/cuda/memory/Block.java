package org.hetermoe.compute.cuda.memory;

/**
 * A piece of device memory that one tensor after another takes, and by lane the ticket of the last
 * work that touched it.
 *
 * @param address where it begins
 * @param capacity in bytes
 * @param tickets by lane; 0 where it has done nothing
 */
record Block(long address, long capacity, long[] tickets) {
  Block(long address, long capacity) {
    this(address, capacity, new long[Lane.COUNT]);
  }
}
