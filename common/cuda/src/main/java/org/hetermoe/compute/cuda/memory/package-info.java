/**
 * Memory of a CUDA device: the pool that tensors come from, the three streams that use it and the
 * events between them, copies from and to the host.
 */
package org.hetermoe.compute.cuda.memory;
