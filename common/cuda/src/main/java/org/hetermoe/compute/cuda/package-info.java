/** The device {@code cuda}: NVIDIA GPUs from compute capability 7.0 on, through JCuda. */
package org.hetermoe.compute.cuda;
