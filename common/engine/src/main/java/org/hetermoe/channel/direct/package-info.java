/**
 * Point to point between processes over plain blocking sockets: one server socket per process, one
 * connection per sender and receiver of a run, a thread at each end of it. Nothing here assumes
 * more of a connection than {@code ByteChannel} says, so that TLS can be put in between.
 */
package org.hetermoe.channel.direct;
