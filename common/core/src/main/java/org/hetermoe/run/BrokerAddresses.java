package org.hetermoe.run;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The broker's addresses as its client is told them: {@code host:port}, with commas between. */
public final class BrokerAddresses {
  /** With a protocol in front, as the client allows; the first group is the host. */
  private static final Pattern ADDRESS = Pattern.compile("(?:[a-zA-Z_]+://)?(.+):[0-9]+");

  private BrokerAddresses() {}

  /**
   * Whether none of the hosts has an address yet, as where the broker's container or Service is not
   * there: the client cannot even be made then. What is no address at all is left to the client to
   * refuse: false.
   */
  public static boolean nameless(String servers) {
    for (String server : servers.split(",", -1)) {
      Matcher address = ADDRESS.matcher(server.strip());
      if (!address.matches() || known(address.group(1))) {
        return false;
      }
    }
    return true;
  }

  private static boolean known(String host) {
    try {
      InetAddress _ = InetAddress.getByName(host);
      return true;
    } catch (UnknownHostException e) {
      return false;
    }
  }
}
