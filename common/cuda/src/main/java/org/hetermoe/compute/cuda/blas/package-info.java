/** Matrix products by cuBLAS, whichever of CUDA 12 and 13 is there, without a binding of JCuda. */
package org.hetermoe.compute.cuda.blas;
