/**
 * The device {@code cpu}: matrix products by oneDNN, the rest by the Vector API, over native memory
 * (docs/adr/0002-cpu-arithmetic.md). Operations finish before they return. The calling thread and a
 * few threads of its own share the tiles of an operation; which of them does a tile never shows in
 * the numbers (docs/adr/0003-same-numbers.md). Kernels are of single precision; what is of 16 bits
 * is widened before them and rounded behind them (docs/adr/0015-mixed-precision.md). They take raw
 * addresses: whoever calls one has checked shapes and openness first.
 */
package org.hetermoe.compute.cpu;
