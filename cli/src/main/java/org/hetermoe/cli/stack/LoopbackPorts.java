package org.hetermoe.cli.stack;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.HashMap;
import java.util.Map;

/** Finds free ports on loopback and gives each to one user. Safe for several threads. */
final class LoopbackPorts {
  private static final int CONNECT_MILLIS = 1_000;

  private final Map<Integer, String> given = new HashMap<>();

  /**
   * The preferred port if it is free, otherwise another one.
   *
   * @param user who gets it: the same user may get it again
   * @param preferred 0 prefers none
   */
  synchronized int free(String user, int preferred) {
    if (preferred > 0 && given.getOrDefault(preferred, user).equals(user) && bind(preferred) > 0) {
      given.put(preferred, user);
      return preferred;
    }
    int port;
    do {
      port = bind(0);
      if (port == 0) {
        throw new StackException("no free port on loopback");
      }
    } while (given.putIfAbsent(port, user) != null);
    return port;
  }

  /** Whether somebody listens there. */
  static boolean answers(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), CONNECT_MILLIS);
      return true;
    } catch (IOException e) {
      return false; // the question is whether it works
    }
  }

  /** Binds a port for a moment; 0 if that is not possible. */
  private static int bind(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return socket.getLocalPort();
    } catch (IOException e) {
      return 0; // taken
    }
  }
}
