/** Tensors in native host memory, as the devices of this machine's processor use them. */
package org.hetermoe.compute.host;
