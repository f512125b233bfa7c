package org.hetermoe.train.attention;

import java.util.Comparator;
import java.util.List;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;

/**
 * The workers that own experts of one layer. Expert workers come first: they have nothing else to
 * do and so get their tokens first.
 *
 * @param workers the owners, each once
 * @param indices per expert, the index of its owner in {@code workers}
 */
record LayerOwners(List<WorkerRank> workers, List<Integer> indices) {
  private static final Comparator<WorkerRank> ORDER =
      Comparator.comparing(WorkerRank::role).reversed().thenComparingInt(WorkerRank::rank);

  /** The owners of every layer. */
  static List<LayerOwners> of(Placement placement) {
    return placement.owners().stream().map(LayerOwners::ofLayer).toList();
  }

  private static LayerOwners ofLayer(List<WorkerRank> owners) {
    List<WorkerRank> workers = owners.stream().distinct().sorted(ORDER).toList();
    return new LayerOwners(workers, owners.stream().map(workers::indexOf).toList());
  }
}
