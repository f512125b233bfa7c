package org.hetermoe.expert;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.hetermoe.group.Peer;

/** What makes this worker an expert worker. */
@Singleton
class ExpertRole {
  @Produces
  @Singleton
  Peer.Role role() {
    return Peer.Role.EXPERT;
  }
}
