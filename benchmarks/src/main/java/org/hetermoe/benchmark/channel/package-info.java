/**
 * Transports for bulk messages between two processes on one machine, measured alike. Each must end
 * with the message in native memory at the receiver. Decides docs/adr/0004-direct-channel.md.
 */
package org.hetermoe.benchmark.channel;
