package org.hetermoe.plan;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Which expert worker owns which expert. An expert is addressed by (layer, expert) and has exactly
 * one owner; everything that moves experts is another placement.
 *
 * <p>In JSON it is the list of layers, each a list with the owner's rank per expert.
 */
public final class Placement {
  private final List<List<Integer>> owners;

  /**
   * A placement from its table.
   *
   * @param owners per layer, per expert, the rank of the owning expert worker
   */
  @JsonCreator
  public Placement(List<List<Integer>> owners) {
    if (owners.isEmpty() || owners.stream().anyMatch(List::isEmpty)) {
      throw new IllegalArgumentException("a placement needs layers with experts");
    }
    int experts = owners.getFirst().size();
    List<List<Integer>> copy = new ArrayList<>();
    for (List<Integer> layer : owners) {
      if (layer.size() != experts || layer.stream().anyMatch(owner -> owner < 0)) {
        throw new IllegalArgumentException(
            "every layer of a placement needs an owner for each of its " + experts + " experts");
      }
      copy.add(List.copyOf(layer));
    }
    this.owners = Collections.unmodifiableList(copy);
  }

  /** Experts spread in order over {@code workers} so that their counts differ by at most one. */
  public static Placement balanced(int layers, int experts, int workers) {
    List<Integer> counts = new ArrayList<>();
    for (int worker = 0; worker < workers; worker++) {
      counts.add(experts / workers + (worker < experts % workers ? 1 : 0));
    }
    return ofCounts(layers, counts);
  }

  /** Experts in order: the first {@code counts[0]} to worker 0, and so on; alike in every layer. */
  public static Placement ofCounts(int layers, List<Integer> counts) {
    List<Integer> layer = new ArrayList<>();
    for (int worker = 0; worker < counts.size(); worker++) {
      layer.addAll(Collections.nCopies(counts.get(worker), worker));
    }
    return new Placement(Collections.nCopies(layers, layer));
  }

  /** Per layer, per expert, the rank of its owner. */
  @JsonValue
  public List<List<Integer>> owners() {
    return owners;
  }

  /** Number of expert layers. */
  @JsonIgnore
  public int layers() {
    return owners.size();
  }

  /** Experts per layer. */
  @JsonIgnore
  public int experts() {
    return owners.getFirst().size();
  }

  /** Rank of the expert worker that owns an expert. */
  public int owner(int layer, int expert) {
    return owners.get(layer).get(expert);
  }

  /** The experts of a layer that a worker owns, ascending. */
  public List<Integer> expertsOf(int layer, int worker) {
    List<Integer> owned = new ArrayList<>();
    for (int expert = 0; expert < experts(); expert++) {
      if (owner(layer, expert) == worker) {
        owned.add(expert);
      }
    }
    return owned;
  }

  /** How many experts of a layer each of {@code workers} owns. */
  public List<Integer> counts(int layer, int workers) {
    List<Integer> counts = new ArrayList<>(Collections.nCopies(workers, 0));
    for (int owner : owners.get(layer)) {
      counts.set(owner, counts.get(owner) + 1);
    }
    return counts;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Placement placement && owners.equals(placement.owners);
  }

  @Override
  public int hashCode() {
    return owners.hashCode();
  }

  @Override
  public String toString() {
    return "Placement" + owners;
  }
}
