package org.hetermoe.worker;

import org.hetermoe.channel.Channel;
import org.hetermoe.compute.Compute;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.train.GroupMember;
import org.hetermoe.train.MemberEnvironment;

/** Makes a worker's part in a run. */
@FunctionalInterface
public interface MemberFactory {
  /** A member that owns neither its device nor its channel. */
  GroupMember create(
      Assignment assignment,
      WorkerRank peer,
      Compute compute,
      Channel channel,
      MemberEnvironment environment);
}
