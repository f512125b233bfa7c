package org.hetermoe.worker;

/**
 * Where peers reach this process's direct channel.
 *
 * @param host name or address
 * @param port the port that is listened on
 */
record DirectEndpoint(String host, int port) {}
