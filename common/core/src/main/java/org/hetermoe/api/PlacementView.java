package org.hetermoe.api;

import java.util.List;
import java.util.UUID;
import org.hetermoe.group.Placement;

/**
 * The placement of an attempt as REST shows it.
 *
 * @param run the run
 * @param attempt the present or last attempt
 * @param placement per layer, per expert, its owner
 * @param counts of each expert worker, and of each attention worker that owns experts
 */
public record PlacementView(UUID run, int attempt, Placement placement, List<WorkerCounts> counts) {
  public PlacementView {
    counts = List.copyOf(counts);
  }

  /**
   * What a worker owns.
   *
   * @param peer role and rank: {@code expert-0}
   * @param worker stable id of the worker in which it lives
   * @param expertsPerLayer number of experts, per layer
   */
  public record WorkerCounts(String peer, String worker, List<Integer> expertsPerLayer) {
    public WorkerCounts {
      expertsPerLayer = List.copyOf(expertsPerLayer);
    }
  }
}
