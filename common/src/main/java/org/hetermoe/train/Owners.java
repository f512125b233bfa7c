package org.hetermoe.train;

import java.util.Comparator;
import java.util.List;
import org.hetermoe.group.Peer;
import org.hetermoe.plan.Placement;

/**
 * The workers that own experts of one layer. Expert workers come first: they have nothing else to
 * do and so get their tokens first.
 *
 * @param workers the owners, each once
 * @param indices per expert, the index of its owner in {@code workers}
 */
record Owners(List<Peer> workers, List<Integer> indices) {
  private static final Comparator<Peer> ORDER =
      Comparator.comparing(Peer::role).reversed().thenComparingInt(Peer::rank);

  /** The owners of every layer. */
  static List<Owners> of(Placement placement) {
    return placement.owners().stream().map(Owners::ofLayer).toList();
  }

  private static Owners ofLayer(List<Peer> owners) {
    List<Peer> workers = owners.stream().distinct().sorted(ORDER).toList();
    return new Owners(workers, owners.stream().map(workers::indexOf).toList());
  }
}
