package org.hetermoe.attention;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.hetermoe.group.Peer;

/** What makes this worker an attention worker. */
@Singleton
class AttentionRole {
  @Produces
  @Singleton
  Peer.Role role() {
    return Peer.Role.ATTENTION;
  }
}
