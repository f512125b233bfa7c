package org.hetermoe.plan;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.hetermoe.group.Placement;

/**
 * A placement with further owners of hot experts. An expert's rows are split evenly over all its
 * owners; each of them holds the expert and steps its optimizer, and once a step they reduce its
 * gradients among them.
 *
 * @param placement the first owner of each expert
 * @param replicas further owners
 */
public record ReplicatedPlacement(Placement placement, List<Replica> replicas) {
  public ReplicatedPlacement {
    replicas = List.copyOf(replicas);
    Set<Replica> seen = new HashSet<>();
    for (Replica replica : replicas) {
      if (!seen.add(replica)
          || placement.owner(replica.layer(), replica.expert()).equals(replica.worker())) {
        throw new IllegalArgumentException(replica + " names an owner for the second time");
      }
    }
  }

  /** One owner for each expert. */
  public ReplicatedPlacement(Placement placement) {
    this(placement, List.of());
  }

  /** The same with one more owner. */
  public ReplicatedPlacement with(Replica replica) {
    return new ReplicatedPlacement(
        placement, Stream.concat(replicas.stream(), Stream.of(replica)).toList());
  }

  /** How many owners each expert has, by layer and expert. */
  public int[][] ownerCounts() {
    int[][] counts = new int[placement.layers()][placement.experts()];
    for (int[] layer : counts) {
      Arrays.fill(layer, 1);
    }
    replicas.forEach(replica -> counts[replica.layer()][replica.expert()]++);
    return counts;
  }

  /** Every owner with what it owns, first owners first. */
  public Stream<Replica> owners() {
    Stream.Builder<Replica> first = Stream.builder();
    for (int layer = 0; layer < placement.layers(); layer++) {
      for (int expert = 0; expert < placement.experts(); expert++) {
        first.add(new Replica(layer, expert, placement.owner(layer, expert)));
      }
    }
    return Stream.concat(first.build(), replicas.stream());
  }
}
