/**
 * The device {@code cpu}: matrix products by oneDNN, the rest by the Vector API, over native memory
 * (docs/adr/0002-cpu-arithmetic.md). Operations finish before they return. The calling thread and a
 * few threads of its own share the tiles of an operation; which of them does a tile never shows in
 * the numbers (docs/adr/0003-same-numbers.md). Kernels take raw addresses: whoever calls one has
 * checked shapes and openness first.
 */
package org.hetermoe.compute.cpu;
