/**
 * Frames of activations and gradients between workers: header, codec, buffers, and the channel
 * interface. Transports live in sub-packages.
 */
package org.hetermoe.channel;
