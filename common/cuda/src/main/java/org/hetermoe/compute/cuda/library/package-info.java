/** Finds NVIDIA's shared libraries, of CUDA 12 or 13, wherever a machine keeps them. */
package org.hetermoe.compute.cuda.library;
