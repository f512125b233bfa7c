/** GPUs that do not exist, for tests: builds and loads the CUDA driver of this module. */
package org.hetermoe.emulator;
