/**
 * Compiles the kernels for the device at hand with NVRTC, and keeps what came out on disk. Kernels
 * are CUDA C in resources that need no header of CUDA's, since a machine with the libraries need
 * not have those.
 */
package org.hetermoe.compute.cuda.compile;
