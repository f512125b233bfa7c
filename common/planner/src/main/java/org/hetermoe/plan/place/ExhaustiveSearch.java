package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.hetermoe.plan.GroupCosts;

/**
 * All placements of a group that is small enough. Where all experts of a layer have the same load
 * they are interchangeable, so that only their counts differ.
 */
final class ExhaustiveSearch {
  private final int layers;

  /** All assignments of one layer: the owner of each of its experts. */
  private final List<int[]> assignments;

  private ExhaustiveSearch(int layers, List<int[]> assignments) {
    this.layers = layers;
    this.assignments = assignments;
  }

  /**
   * The search of a group.
   *
   * @param most placements that are few enough
   * @return empty if there are more
   */
  static Optional<ExhaustiveSearch> of(GroupCosts costs, int most) {
    int experts = costs.experts();
    boolean interchangeable =
        IntStream.range(0, costs.layers())
            .allMatch(
                layer ->
                    IntStream.range(0, experts)
                        .allMatch(
                            expert ->
                                costs.loads().of(layer, expert) == costs.loads().of(layer, 0)));
    int workers = costs.attention().size() + costs.expert().size();
    long perLayer =
        interchangeable ? multisets(workers, experts, most) : power(workers, experts, most);
    if (power(perLayer, costs.layers(), most) > most) {
      return Optional.empty();
    }
    List<int[]> assignments = new ArrayList<>();
    assign(assignments, new int[experts], 0, interchangeable, workers);
    return Optional.of(new ExhaustiveSearch(costs.layers(), assignments));
  }

  /** Every placement that fits: owners by layer and expert, valid during the call only. */
  void forEach(MemoryCapacity capacity, Consumer<int[][]> action) {
    descend(new int[layers][], 0, capacity, action);
  }

  private void descend(
      int[][] owners, int layer, MemoryCapacity capacity, Consumer<int[][]> action) {
    if (layer == layers) {
      if (capacity.fits(owners)) {
        action.accept(owners);
      }
      return;
    }
    for (int[] assignment : assignments) {
      owners[layer] = assignment;
      descend(owners, layer + 1, capacity, action);
    }
  }

  private static void assign(
      List<int[]> assignments, int[] owner, int expert, boolean interchangeable, int workers) {
    if (expert == owner.length) {
      assignments.add(owner.clone());
      return;
    }
    int first = interchangeable && expert > 0 ? owner[expert - 1] : 0;
    for (int worker = first; worker < workers; worker++) {
      owner[expert] = worker;
      assign(assignments, owner, expert + 1, interchangeable, workers);
    }
  }

  /** Ways to hand out interchangeable experts; {@code most + 1} if there are more than most. */
  private static long multisets(int workers, int experts, long most) {
    long ways = 1;
    for (int expert = 1; expert <= experts; expert++) {
      ways = ways * (workers - 1 + expert) / expert;
      if (ways > most) {
        return most + 1;
      }
    }
    return ways;
  }

  private static long power(long base, int exponent, long most) {
    long product = 1;
    for (int factor = 0; factor < exponent; factor++) {
      product *= base;
      if (product > most) {
        return most + 1;
      }
    }
    return product;
  }
}
