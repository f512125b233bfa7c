package org.hetermoe.channel.direct;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.SocketOption;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import jdk.net.ExtendedSocketOptions;

/** Makes sockets, and hands them out as byte channels: the place where TLS will be put on them. */
class Sockets {
  /** How soon a silent connection is probed, and how often: a lost machine sends no farewell. */
  private static final int KEEP_ALIVE_SECONDS = 5;

  private static final int KEEP_ALIVE_PROBES = 4;

  private final DirectSettings settings;

  Sockets(DirectSettings settings) {
    this.settings = settings;
  }

  ServerSocketChannel listen() throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open();
    try {
      if (settings.socketBufferBytes() > 0) {
        server.setOption(StandardSocketOptions.SO_RCVBUF, settings.socketBufferBytes());
      }
      server.bind(new InetSocketAddress(settings.bindHost(), settings.port()), 256);
      return server;
    } catch (IOException | RuntimeException e) {
      server.close();
      throw new IOException(
          "cannot listen on " + settings.bindHost() + ":" + settings.port() + ": " + e, e);
    }
  }

  ByteChannel accepted(SocketChannel socket) throws IOException {
    return prepared(socket);
  }

  ByteChannel connect(InetSocketAddress address, Duration timeout) throws IOException {
    // Names are looked up anew at each attempt: a peer that was moved may have another address.
    SocketAddress target =
        address.isUnresolved()
            ? new InetSocketAddress(address.getHostString(), address.getPort())
            : address;
    SocketChannel socket = SocketChannel.open();
    try {
      ByteChannel prepared = prepared(socket);
      socket.socket().connect(target, Math.toIntExact(Math.max(1, timeout.toMillis())));
      return prepared;
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw new IOException("cannot connect to " + address + ": " + e.getMessage(), e);
    }
  }

  private ByteChannel prepared(SocketChannel socket) throws IOException {
    socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
    socket.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
    setIfSupported(socket, ExtendedSocketOptions.TCP_KEEPIDLE, KEEP_ALIVE_SECONDS);
    setIfSupported(socket, ExtendedSocketOptions.TCP_KEEPINTERVAL, KEEP_ALIVE_SECONDS);
    setIfSupported(socket, ExtendedSocketOptions.TCP_KEEPCOUNT, KEEP_ALIVE_PROBES);
    if (settings.socketBufferBytes() > 0) {
      socket.setOption(StandardSocketOptions.SO_SNDBUF, settings.socketBufferBytes());
      socket.setOption(StandardSocketOptions.SO_RCVBUF, settings.socketBufferBytes());
    }
    return socket;
  }

  private static void setIfSupported(SocketChannel socket, SocketOption<Integer> option, int value)
      throws IOException {
    if (socket.supportedOptions().contains(option)) {
      socket.setOption(option, value);
    }
  }

  static void writeFully(ByteChannel wire, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      wire.write(bytes);
    }
  }

  /**
   * Fills {@code bytes}.
   *
   * @return whether there was anything; false if the stream ends here
   * @throws EOFException if it ends on the way
   */
  static boolean readFully(ByteChannel wire, ByteBuffer bytes) throws IOException {
    int begin = bytes.position();
    while (bytes.hasRemaining()) {
      if (wire.read(bytes) < 0) {
        if (bytes.position() == begin) {
          return false;
        }
        throw new EOFException("connection ended %d bytes early".formatted(bytes.remaining()));
      }
    }
    return true;
  }

  /** What went wrong, in words. */
  static String reason(IOException e) {
    return e instanceof ClosedChannelException
        ? "closed at this end, or too slow to answer"
        : e.getMessage() == null ? e.toString() : e.getMessage();
  }
}
