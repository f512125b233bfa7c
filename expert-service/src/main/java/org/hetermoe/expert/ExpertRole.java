package org.hetermoe.expert;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.hetermoe.group.WorkerRank;

/** What makes this worker an expert worker. */
@Singleton
class ExpertRole {
  @Produces
  @Singleton
  WorkerRank.Role role() {
    return WorkerRank.Role.EXPERT;
  }
}
