package org.hetermoe.channel.direct;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Stands between processes and passes on what it gets, until it is cut: then it keeps all
 * connections and passes nothing, as a network does that loses packets.
 */
final class CuttableWire implements AutoCloseable {
  private final InetSocketAddress target;
  private final ServerSocketChannel server;
  private final List<SocketChannel> open = new CopyOnWriteArrayList<>();
  private volatile boolean cut;

  CuttableWire(InetSocketAddress target) throws IOException {
    this.target = new InetSocketAddress(target.getHostString(), target.getPort());
    this.server =
        ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    Thread.ofPlatform().daemon().start(this::accept);
  }

  /** Where to connect instead of the target. */
  InetSocketAddress address() throws IOException {
    return (InetSocketAddress) server.getLocalAddress();
  }

  void cut() {
    cut = true;
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel from = server.accept();
        SocketChannel to = SocketChannel.open(target);
        open.addAll(List.of(from, to));
        Thread.ofPlatform().daemon().start(() -> pass(from, to));
        Thread.ofPlatform().daemon().start(() -> pass(to, from));
      }
    } catch (IOException e) {
      // Closed: the test is over.
      return;
    }
  }

  private void pass(SocketChannel from, SocketChannel to) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(64 << 10);
    try {
      while (from.read(bytes.clear()) >= 0) {
        bytes.flip();
        while (bytes.hasRemaining() && !cut) {
          to.write(bytes);
        }
        if (cut) {
          return;
        }
      }
      if (!cut) {
        to.shutdownOutput();
      }
    } catch (IOException e) {
      // One end has gone; the other learns of it here, unless the wire is cut.
      if (!cut) {
        closeQuietly(to);
      }
    }
  }

  private static void closeQuietly(SocketChannel socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    open.forEach(CuttableWire::closeQuietly);
  }
}
