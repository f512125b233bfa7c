package org.hetermoe.deployment;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Hosts on one machine: network namespaces of Linux, each with one address, on a switch of their
 * own. The switch is a namespace too, so that packet filters of the machine do not see it. Making
 * them takes root.
 */
final class NetworkNamespaces {
  private static final String NETWORK = "198.18.77.";

  private final String prefix = "hm" + ProcessHandle.current().pid() + "-";
  private final List<String> made = new ArrayList<>();

  /** Whether this machine lets namespaces be made. */
  static boolean possible() throws IOException, InterruptedException {
    String probe = "hm" + ProcessHandle.current().pid() + "-probe";
    boolean possible = Command.isThere("ip", "netns", "add", probe);
    if (possible) {
      ip("netns", "delete", probe);
    }
    return possible;
  }

  /** Makes a switch, which is a host itself; returns its address. */
  String makeSwitch(String host) throws IOException, InterruptedException {
    add(host);
    ip("-n", name(host), "link", "add", "switch", "type", "bridge");
    ip("-n", name(host), "link", "set", "switch", "up");
    String address = NETWORK + made.size();
    ip("-n", name(host), "address", "add", address + "/24", "dev", "switch");
    return address;
  }

  /** Makes a host on a switch; returns its address. */
  String makeHost(String host, String switched) throws IOException, InterruptedException {
    add(host);
    String port = "port" + made.size();
    ip(
        "-n",
        name(switched),
        "link",
        "add",
        port,
        "type",
        "veth",
        "peer",
        "name",
        "eth0",
        "netns",
        name(host));
    ip("-n", name(switched), "link", "set", port, "master", "switch", "up");
    ip("-n", name(host), "link", "set", "eth0", "up");
    String address = NETWORK + (10 + made.size());
    ip("-n", name(host), "address", "add", address + "/24", "dev", "eth0");
    return address;
  }

  /** Gives a host another address in place of its present one; returns it. */
  String move(String host) throws IOException, InterruptedException {
    ip("-n", name(host), "address", "flush", "dev", "eth0", "scope", "global");
    String address = NETWORK + (100 + made.indexOf(name(host)));
    ip("-n", name(host), "address", "add", address + "/24", "dev", "eth0");
    return address;
  }

  /** What runs a command on a host. */
  List<String> on(String host) {
    return List.of("ip", "netns", "exec", name(host));
  }

  /** Bytes that a host has sent. */
  long bytesSent(String host) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(on(host));
    command.addAll(List.of("cat", Path.of("/sys/class/net/eth0/statistics/tx_bytes").toString()));
    return Long.parseLong(Command.run(command.toArray(String[]::new)).output().strip());
  }

  /** Removes all hosts. */
  void remove() throws IOException, InterruptedException {
    for (String namespace : made) {
      ip("netns", "delete", namespace);
    }
  }

  private void add(String host) throws IOException, InterruptedException {
    ip("netns", "add", name(host));
    made.add(name(host));
    ip("-n", name(host), "link", "set", "lo", "up");
  }

  private String name(String host) {
    return prefix + host;
  }

  private static void ip(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    Command.Result result = Command.run(command.toArray(String[]::new));
    if (result.status() != 0) {
      throw new IOException(String.join(" ", command) + ": " + result.errors());
    }
  }
}
