package org.hetermoe.benchmark.channel;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/** A blocking socket, written and read by the caller's thread. */
final class NioLink implements Link {
  private final SocketChannel socket;
  private final ByteBuffer outHeader = ByteBuffer.allocateDirect(8);
  private final ByteBuffer inHeader = ByteBuffer.allocateDirect(8);
  private final ByteBuffer out = ByteBuffer.allocateDirect(MAX_BYTES);
  private final ByteBuffer in = ByteBuffer.allocateDirect(MAX_BYTES);

  NioLink(boolean first, int ownPort, int otherPort) throws IOException {
    InetAddress host = InetAddress.getLoopbackAddress();
    if (first) {
      try (ServerSocketChannel server = ServerSocketChannel.open()) {
        socket = server.bind(new InetSocketAddress(host, ownPort)).accept();
      }
    } else {
      socket = SocketChannel.open(new InetSocketAddress(host, otherPort));
    }
    socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
  }

  @Override
  public void send(int kind, int bytes) throws IOException {
    outHeader.clear().putInt(kind).putInt(bytes).flip();
    out.clear().limit(bytes);
    ByteBuffer[] both = {outHeader, out};
    while (out.hasRemaining()) {
      socket.write(both);
    }
  }

  @Override
  public int receive() throws IOException {
    fill(inHeader.clear());
    fill(in.clear().limit(inHeader.getInt(4)));
    return inHeader.getInt(0);
  }

  private void fill(ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (socket.read(buffer) < 0) {
        throw new EOFException();
      }
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
