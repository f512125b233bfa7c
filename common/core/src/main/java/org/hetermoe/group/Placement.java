package org.hetermoe.group;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which worker of a ZP group owns which expert. An expert is addressed by (layer, expert) and has
 * one owner, an expert worker or, with asymmetric expert assignment (paper §4.2), an attention
 * worker. Everything that moves experts is another placement.
 *
 * <p>In JSON it is the list of layers, each a list with the owner of every expert: {@code
 * "expert-0"}, {@code "attention-1"}.
 */
public final class Placement {
  private final List<List<WorkerRank>> owners;

  /**
   * A placement from its table.
   *
   * @param owners per layer, per expert, the owning worker
   */
  public Placement(List<List<WorkerRank>> owners) {
    if (owners.isEmpty() || owners.stream().anyMatch(List::isEmpty)) {
      throw new IllegalArgumentException("a placement needs layers with experts");
    }
    int experts = owners.getFirst().size();
    List<List<WorkerRank>> copy = new ArrayList<>();
    for (List<WorkerRank> layer : owners) {
      if (layer.size() != experts) {
        throw new IllegalArgumentException(
            "every layer of a placement needs an owner for each of its " + experts + " experts");
      }
      copy.add(List.copyOf(layer));
    }
    this.owners = Collections.unmodifiableList(copy);
  }

  /** Experts spread in order over {@code workers} expert workers; counts differ by at most one. */
  public static Placement balanced(int layers, int experts, int workers) {
    List<Integer> counts = new ArrayList<>();
    for (int worker = 0; worker < workers; worker++) {
      counts.add(experts / workers + (worker < experts % workers ? 1 : 0));
    }
    return ofCounts(layers, counts);
  }

  /**
   * Experts in order: the first {@code counts[0]} to expert worker 0, and so on; alike in every
   * layer.
   */
  public static Placement ofCounts(int layers, List<Integer> counts) {
    List<WorkerRank> layer = new ArrayList<>();
    for (int worker = 0; worker < counts.size(); worker++) {
      layer.addAll(Collections.nCopies(counts.get(worker), WorkerRank.expert(worker)));
    }
    return new Placement(Collections.nCopies(layers, layer));
  }

  @JsonCreator
  static Placement ofNames(List<List<String>> names) {
    return new Placement(
        names.stream().map(layer -> layer.stream().map(WorkerRank::ofName).toList()).toList());
  }

  @JsonValue
  List<List<String>> names() {
    return owners.stream().map(layer -> layer.stream().map(WorkerRank::toString).toList()).toList();
  }

  /** Per layer, per expert, its owner. */
  @JsonIgnore
  public List<List<WorkerRank>> owners() {
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

  /** The worker that owns an expert. */
  public WorkerRank owner(int layer, int expert) {
    return owners.get(layer).get(expert);
  }

  /** The experts of a layer that a worker owns, ascending. */
  public List<Integer> expertsOf(int layer, WorkerRank worker) {
    List<Integer> owned = new ArrayList<>();
    for (int expert = 0; expert < experts(); expert++) {
      if (owner(layer, expert).equals(worker)) {
        owned.add(expert);
      }
    }
    return owned;
  }

  /** How many experts of each layer a worker owns. */
  public List<Integer> expertsPerLayer(WorkerRank worker) {
    return owners.stream().map(layer -> Collections.frequency(layer, worker)).toList();
  }

  /** Whether a worker owns any expert of a layer, and so takes part in its traffic. */
  public boolean takesPart(int layer, WorkerRank worker) {
    return owners.get(layer).contains(worker);
  }

  /** How many experts of a layer each of {@code workers} workers of a role owns. */
  public List<Integer> counts(int layer, WorkerRank.Role role, int workers) {
    int[] counts = new int[workers];
    for (WorkerRank owner : owners.get(layer)) {
      if (owner.role() == role) {
        counts[owner.rank()]++;
      }
    }
    return Arrays.stream(counts).boxed().toList();
  }

  /** How many experts of a layer attention workers own. */
  public int moved(int layer) {
    return (int)
        owners.get(layer).stream()
            .filter(owner -> owner.role() == WorkerRank.Role.ATTENTION)
            .count();
  }

  /** All workers that own an expert, expert workers last. */
  @JsonIgnore
  public Set<WorkerRank> workers() {
    Set<WorkerRank> workers = new TreeSet<>();
    owners.forEach(workers::addAll);
    return workers;
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
