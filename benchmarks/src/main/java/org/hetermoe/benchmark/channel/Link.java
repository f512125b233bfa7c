package org.hetermoe.benchmark.channel;

import java.io.IOException;

/** One end of a connection between two processes. One thread sends and receives. */
interface Link extends AutoCloseable {
  /** The largest message that is sent. */
  int MAX_BYTES = 4 << 20;

  /**
   * Sends {@code bytes} bytes from native memory, contents indifferent.
   *
   * @param kind a small number that the receiver is told
   */
  void send(int kind, int bytes) throws Exception;

  /** Waits until a message is in native memory, and returns its kind. */
  int receive() throws Exception;

  /**
   * Opens an end.
   *
   * @param contender which transport
   * @param first whether this is the first process, which listens where only one does
   * @param ownPort a free port of this process
   * @param otherPort a free port of the other process
   */
  static Link open(String contender, boolean first, int ownPort, int otherPort) throws Exception {
    return switch (contender) {
      case "nio" -> new NioLink(first, ownPort, otherPort);
      case "netty" -> new NettyLink(first, ownPort, otherPort);
      case "aeron-udp" -> AeronLink.udp(ownPort, otherPort);
      case "aeron-ipc" -> AeronLink.ipc(first, ownPort, otherPort);
      case "direct" -> new DirectLink(first, ownPort, otherPort, 0);
      case "direct-4mib-buffers" -> new DirectLink(first, ownPort, otherPort, 4 << 20);
      default -> throw new IllegalArgumentException("no contender " + contender);
    };
  }

  @Override
  void close() throws IOException;
}
