package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.hetermoe.plan.GroupCosts;

/** All placements of a group that is small enough for it. Experts with one load are one. */
final class Enumeration {
  private Enumeration() {}

  /**
   * The ways to place a layer, if all layers together have no more than {@code most} placements.
   *
   * @return each way names the owner of every expert; empty if there are too many
   */
  static Optional<List<int[]>> of(GroupCosts costs, int most) {
    boolean alike =
        IntStream.range(0, costs.layers())
            .allMatch(
                layer ->
                    IntStream.range(0, costs.experts())
                        .allMatch(
                            expert ->
                                costs.loads().of(layer, expert) == costs.loads().of(layer, 0)));
    int workers = costs.attention().size() + costs.expert().size();
    long perLayer =
        alike ? choices(workers, costs.experts(), most) : power(workers, costs.experts(), most);
    if (power(perLayer, costs.layers(), most) > most) {
      return Optional.empty();
    }
    List<int[]> ways = new ArrayList<>();
    extend(ways, new int[costs.experts()], 0, alike, workers);
    return Optional.of(ways);
  }

  /** Every placement that fits. */
  static void each(List<int[]> ways, GroupCosts costs, Room room, Consumer<int[][]> look) {
    descend(ways, new int[costs.layers()][], 0, costs, room, look);
  }

  private static void descend(
      List<int[]> ways,
      int[][] owners,
      int layer,
      GroupCosts costs,
      Room room,
      Consumer<int[][]> look) {
    if (layer == owners.length) {
      if (fits(owners, costs, room)) {
        look.accept(owners);
      }
      return;
    }
    for (int[] way : ways) {
      owners[layer] = way;
      descend(ways, owners, layer + 1, costs, room, look);
    }
  }

  private static boolean fits(int[][] owners, GroupCosts costs, Room room) {
    int attention = costs.attention().size();
    long[] owned = new long[attention + costs.expert().size()];
    Arrays.stream(owners).flatMapToInt(Arrays::stream).forEach(owner -> owned[owner]++);
    return IntStream.range(0, owned.length)
        .allMatch(
            worker ->
                owned[worker]
                    <= (worker < attention
                        ? room.attention().get(worker)
                        : room.expert().get(worker - attention)));
  }

  private static void extend(
      List<int[]> ways, int[] owner, int expert, boolean alike, int workers) {
    if (expert == owner.length) {
      ways.add(owner.clone());
      return;
    }
    for (int worker = alike && expert > 0 ? owner[expert - 1] : 0; worker < workers; worker++) {
      owner[expert] = worker;
      extend(ways, owner, expert + 1, alike, workers);
    }
  }

  /** Ways to hand out things that are alike; {@code most + 1} if there are more than most. */
  private static long choices(int workers, int things, long most) {
    long ways = 1;
    for (int thing = 1; thing <= things; thing++) {
      ways = ways * (workers - 1 + thing) / thing;
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
