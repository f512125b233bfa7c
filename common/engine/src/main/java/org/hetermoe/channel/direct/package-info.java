/**
 * Point to point between processes over plain blocking sockets: one server socket per process, one
 * connection per sender and receiver of a run, a thread at each end of it. While a process serves
 * no run, its links can be measured over the same socket. Nothing here assumes more of a connection
 * than {@code ByteChannel} says, so that TLS can be put in between.
 */
package org.hetermoe.channel.direct;
