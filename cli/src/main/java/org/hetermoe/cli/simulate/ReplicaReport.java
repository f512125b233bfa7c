package org.hetermoe.cli.simulate;

import java.util.List;
import org.hetermoe.plan.Replica;

/**
 * A further owner of an expert, as JSON.
 *
 * @param layer of the expert
 * @param expert in its layer
 * @param worker that owns it too: {@code expert-1}
 */
public record ReplicaReport(int layer, int expert, String worker) {
  /** The reports of replicas. */
  public static List<ReplicaReport> of(List<Replica> replicas) {
    return replicas.stream()
        .map(one -> new ReplicaReport(one.layer(), one.expert(), one.worker().toString()))
        .toList();
  }
}
