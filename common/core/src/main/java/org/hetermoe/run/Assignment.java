package org.hetermoe.run;

import java.util.List;
import java.util.UUID;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;

/**
 * What a worker must know to take part in a run.
 *
 * @param run id of the run
 * @param attempt which attempt at it, from 1
 * @param spec the run file, resolved
 * @param placement which worker owns which expert when the attempt begins
 * @param members all workers of the group, this one included
 * @param resumeFromStep the step of the complete checkpoint to begin from; 0 begins anew
 */
public record Assignment(
    UUID run,
    int attempt,
    RunSpec spec,
    Placement placement,
    List<Member> members,
    int resumeFromStep) {
  public Assignment {
    members = List.copyOf(members);
  }

  /**
   * A worker of the group and where its peers reach it.
   *
   * @param peer role and rank in this run
   * @param worker the worker's stable id
   * @param instance the process that stood behind it when the run was placed
   * @param host where its direct channel listens
   * @param port where its direct channel listens
   * @param partition its partition of its role's activation topic
   */
  public record Member(
      WorkerRank peer, String worker, UUID instance, String host, int port, int partition) {}
}
