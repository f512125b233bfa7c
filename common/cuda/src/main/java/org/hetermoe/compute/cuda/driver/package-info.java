/**
 * The CUDA driver through JCuda: devices, contexts, streams, events, memory, modules and launches.
 * Every call's result is checked; nothing outside of this package sees a class of JCuda.
 */
package org.hetermoe.compute.cuda.driver;
