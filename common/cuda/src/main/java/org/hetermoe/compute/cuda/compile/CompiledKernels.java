package org.hetermoe.compute.cuda.compile;

/**
 * What a source was compiled to.
 *
 * @param image a module for {@code cuModuleLoadData}: PTX with its final NUL, or CUBIN
 * @param log the compiler's messages; for CUBIN with ptxas' statistics per kernel
 */
@SuppressWarnings("ArrayRecordComponent") // handed on, never compared
public record CompiledKernels(byte[] image, String log) {}
