package org.hetermoe.train;

import org.hetermoe.channel.Channel;
import org.hetermoe.compute.Compute;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;

/** Makes the members of a run's group. */
public final class GroupMembers {
  private GroupMembers() {}

  /**
   * A member that has done nothing yet.
   *
   * @param self which member of the assignment
   * @param compute its device; stays the caller's
   * @param channel its end; stays the caller's
   */
  public static GroupMember create(
      Assignment assignment,
      WorkerRank self,
      Compute compute,
      Channel channel,
      MemberEnvironment environment) {
    return switch (self.role()) {
      case ATTENTION -> new AttentionMember(assignment, compute, channel, environment);
      case EXPERT -> new ExpertMember(assignment, compute, channel, environment);
    };
  }
}
