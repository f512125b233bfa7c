package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.ExpertCapacity;
import org.hetermoe.plan.ExpertCosts;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.plan.WorkerCosts;
import org.hetermoe.run.PlannerKind;
import org.hetermoe.schedule.Schedule;

/**
 * Algorithm 1 of the paper, "gather and squeeze" (§4.2): attention workers' idle time is gathered
 * layer by layer, and whenever it suffices for a chunk of experts, a chunk moves to them.
 *
 * <p>A chunk takes n2 experts from each of the N expert workers and gives n1 to each of the M
 * attention workers, so that M n1 = N n2. The paper asks for M | N or N | M. The smallest chunk for
 * any M and N, n1 = lcm(M, N) / M and n2 = lcm(M, N) / N, is the paper's where that holds; where it
 * does not, the chunk is coarse, and where it is larger than what an expert worker has in a layer,
 * nothing moves. As in the paper, loads count as balanced and workers of a role as alike: its
 * slowest stands for each.
 *
 * <p>Of memory, n_min and n_max count the experts, of all layers, that one expert worker must and
 * may give up.
 */
public final class GatherAndSqueeze implements Planner {
  /** Chunks fall due by sums of rounded parts; so little may be missing. */
  private static final double TOLERANCE = 1e-9;

  private final Predictor predictor;

  GatherAndSqueeze(Predictor predictor) {
    this.predictor = predictor;
  }

  /**
   * What the algorithm computes with.
   *
   * @param chunkTaken n1, experts that an attention worker takes with a chunk
   * @param chunkGiven n2, experts that an expert worker gives up with a chunk
   * @param gather idle seconds of an attention worker in a layer with nothing moved
   * @param squeeze idle seconds that a chunk uses up
   * @param fewestGiven n_min
   * @param mostGiven n_max
   */
  record Inputs(
      int chunkTaken,
      int chunkGiven,
      double gather,
      double squeeze,
      long fewestGiven,
      long mostGiven) {
    static Inputs of(GroupCosts costs) {
      int attention = costs.attention().size();
      int expert = costs.expert().size();
      int common = attention / gcd(attention, expert) * expert;
      int taken = common / attention;
      int given = common / expert;
      double rows = (double) costs.tokens() * costs.topK() / costs.experts();
      double oneGiven = slowest(costs.expert(), rows);
      double oneTaken = slowest(costs.attention(), rows);
      double attentionSeconds =
          costs.attention().stream()
              .mapToDouble(worker -> worker.attention().both())
              .max()
              .orElse(0);
      double expertSeconds = oneGiven * costs.experts() / expert;
      long owned = (long) costs.layers() * Math.ceilDiv(costs.experts(), expert);
      ExpertCapacity capacity = new ExpertCapacity(costs);
      long kept = least(capacity, costs.expert());
      long held = least(capacity, costs.attention());
      return new Inputs(
          taken,
          given,
          expertSeconds - attentionSeconds,
          oneGiven * given + oneTaken * taken,
          Math.max(0, owned - kept),
          held / taken * given);
    }

    private static double slowest(List<WorkerCosts> workers, double rows) {
      return workers.stream()
          .map(WorkerCosts::experts)
          .mapToDouble((ExpertCosts one) -> one.forward(rows) + one.backward(rows))
          .max()
          .orElse(0);
    }

    private static long least(ExpertCapacity capacity, List<WorkerCosts> workers) {
      return workers.stream().mapToLong(capacity::of).min().orElse(0);
    }

    private static int gcd(int one, int other) {
      return other == 0 ? one : gcd(other, one % other);
    }
  }

  @Override
  public PlacementResult place(GroupCosts costs, Schedule schedule) {
    if (costs.expert().isEmpty()) {
      return new NoPlacement("the group has no expert worker");
    }
    Inputs inputs = Inputs.of(costs);
    if (inputs.fewestGiven() > inputs.mostGiven()) {
      return new NoPlacement(
          "memory: each expert worker must give up %d experts, and attention workers hold no more than %d from each"
              .formatted(inputs.fewestGiven(), inputs.mostGiven()));
    }
    int[] given = given(inputs, costs.layers(), costs.experts() / costs.expert().size());
    Placement placement = placement(costs, given);
    Optional<String> overflow = MemoryCapacity.overflow(costs, placement);
    if (overflow.isPresent()) {
      return new NoPlacement(overflow.get());
    }
    return PlannedPlacement.of(
        costs,
        placement,
        predictor.stepSeconds(costs, schedule, placement),
        PlannerKind.PAPER,
        why(inputs, costs, given));
  }

  /**
   * o[l]: how many experts each expert worker gives up in each layer.
   *
   * @param most how many it has in a layer
   */
  static int[] given(Inputs inputs, int layers, int most) {
    // alpha and beta hold what is gathered over all layers between n_min and n_max
    double squeeze = inputs.squeeze();
    double fewest = Math.ceilDiv(inputs.fewestGiven(), (long) inputs.chunkGiven()) * squeeze;
    long mostChunks = inputs.mostGiven() / inputs.chunkGiven();
    double highest = mostChunks * squeeze;
    double gathered = Math.max(fewest, Math.min(highest, layers * inputs.gather()));
    int[] given = new int[layers];
    double bubble = 0;
    for (int layer = 0; layer < layers; layer++) {
      bubble += gathered / layers;
      int due = (int) Math.floor(bubble / squeeze + TOLERANCE);
      int chunks = Math.max(0, Math.min(due, most / inputs.chunkGiven()));
      bubble -= chunks * squeeze;
      given[layer] = chunks * inputs.chunkGiven();
    }
    return given;
  }

  /** The last experts of each expert worker go to the attention workers in turn. */
  private static Placement placement(GroupCosts costs, int[] given) {
    int attention = costs.attention().size();
    Placement even = Placement.balanced(costs.layers(), costs.experts(), costs.expert().size());
    List<List<WorkerRank>> owners = new ArrayList<>();
    for (int layer = 0; layer < costs.layers(); layer++) {
      List<WorkerRank> owner = new ArrayList<>(even.owners().get(layer));
      int moved = 0;
      for (int rank = 0; rank < costs.expert().size(); rank++) {
        List<Integer> owned = even.expertsOf(layer, WorkerRank.expert(rank));
        for (int expert : owned.subList(owned.size() - given[layer], owned.size())) {
          owner.set(expert, WorkerRank.attention(moved++ % attention));
        }
      }
      owners.add(owner);
    }
    return new Placement(owners);
  }

  private static String why(Inputs inputs, GroupCosts costs, int[] given) {
    int attention = costs.attention().size();
    int expert = costs.expert().size();
    if (IntStream.of(given).sum() > 0) {
      return "gather and squeeze in chunks of %d experts".formatted(inputs.chunkGiven() * expert);
    }
    if (inputs.gather() <= 0) {
      return "nothing to squeeze: attention is the slower side";
    }
    if (inputs.chunkGiven() > costs.experts() / expert) {
      return "nothing moves: at %d:%d the smallest even chunk takes %d of an expert worker's %d experts"
          .formatted(attention, expert, inputs.chunkGiven(), costs.experts() / expert);
    }
    return "nothing moves: the idle time of all layers together, or memory, is less than a chunk takes";
  }
}
