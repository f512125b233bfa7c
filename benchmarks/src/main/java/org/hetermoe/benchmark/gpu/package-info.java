/** What a GPU makes of the device interface: whole steps and single operations, beside PyTorch. */
package org.hetermoe.benchmark.gpu;
