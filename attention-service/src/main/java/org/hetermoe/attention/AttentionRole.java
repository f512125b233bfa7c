package org.hetermoe.attention;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.hetermoe.group.WorkerRank;

/** What makes this worker an attention worker. */
@Singleton
class AttentionRole {
  @Produces
  @Singleton
  WorkerRank.Role role() {
    return WorkerRank.Role.ATTENTION;
  }
}
