package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.hetermoe.plan.ExpertCosts;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.WorkerCosts;

/** Groups to plan for. */
final class TestGroups {
  private static final int TOKENS = 60;
  private static final LinkCosts FAST = new LinkCosts(1e15, 0);

  /**
   * Bytes of an expert: many, since the capacity of a worker counts a byte of rounding for each.
   */
  private static final long EXPERT_BYTES = 1_000_000;

  private TestGroups() {}

  /**
   * A worker for which one expert with its mean rows takes {@code expert} seconds forward.
   *
   * @param capacity experts that it holds
   */
  static WorkerCosts worker(
      double attention, double expert, int tokens, double meanRows, LinkCosts link, long capacity) {
    return new WorkerCosts(
        attention > 0 ? "new" : "old",
        new Passes(attention, 2 * attention),
        Passes.NONE,
        new Passes(attention / 2, attention),
        new ExpertCosts(Passes.NONE, new Passes(expert / meanRows, 2 * expert / meanRows)),
        0,
        0,
        0,
        tokens,
        link,
        0,
        EXPERT_BYTES + capacity * (EXPERT_BYTES + 1),
        EXPERT_BYTES,
        EXPERT_BYTES,
        0,
        0,
        0);
  }

  /**
   * M attention workers that take 1 s forward and 2 s backward a layer, N expert workers, and
   * transfers that cost next to nothing.
   *
   * @param taken seconds of an expert's forward pass on an attention worker
   * @param kept seconds of an expert's forward pass on an expert worker
   * @param attentionCapacity experts that an attention worker holds
   * @param expertCapacity experts that an expert worker holds
   */
  static GroupCosts group(
      int m,
      int n,
      int layers,
      int experts,
      double taken,
      double kept,
      long attentionCapacity,
      long expertCapacity) {
    double meanRows = (double) m * TOKENS * 2 / experts;
    return new GroupCosts(
        layers,
        experts,
        4,
        2,
        1,
        Collections.nCopies(m, worker(1, taken, TOKENS, meanRows, FAST, attentionCapacity)),
        Collections.nCopies(n, worker(0, kept, 0, meanRows, FAST, expertCapacity)),
        ExpertLoads.balanced(layers, experts),
        0);
  }

  /** Some group with workers of several kinds, tight memory, slow links and uneven loads. */
  static GroupCosts random(Random random, int most) {
    int m = 1 + random.nextInt(most);
    int n = 1 + random.nextInt(most);
    int layers = 1 + random.nextInt(2 * most);
    int experts = 2 + random.nextInt(4 * most);
    double meanRows = (double) m * TOKENS * 2 / experts;
    long all = (long) layers * experts;
    long fair = 1 + all / n;
    List<WorkerCosts> attention = new ArrayList<>();
    List<WorkerCosts> expert = new ArrayList<>();
    boolean mixed = random.nextBoolean();
    double attentionSeconds = 0.2 + random.nextDouble();
    double taken = random.nextDouble();
    double kept = (0.3 + random.nextDouble()) * n / experts * (1 + random.nextInt(3));
    LinkCosts link =
        new LinkCosts(meanRows * (1 + random.nextInt(1000)), 0.01 * random.nextDouble());
    for (int rank = 0; rank < m; rank++) {
      double factor = mixed ? 0.5 + random.nextDouble() : 1;
      attention.add(
          worker(
              attentionSeconds * factor,
              taken * factor,
              TOKENS,
              meanRows,
              link,
              random.nextInt(2) * all));
    }
    for (int rank = 0; rank < n; rank++) {
      double factor = mixed ? 0.5 + random.nextDouble() : 1;
      expert.add(worker(0, kept * factor, 0, meanRows, link, fair + random.nextInt(3)));
    }
    return new GroupCosts(
        layers,
        experts,
        1 + random.nextInt(5),
        2,
        1,
        attention,
        expert,
        random.nextBoolean()
            ? ExpertLoads.balanced(layers, experts)
            : loads(random, layers, experts),
        0);
  }

  private static ExpertLoads loads(Random random, int layers, int experts) {
    List<List<Double>> all = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      List<Double> loads = new ArrayList<>();
      for (int expert = 0; expert < experts; expert++) {
        loads.add(Math.pow(random.nextDouble(), 3));
      }
      all.add(loads);
    }
    return new ExpertLoads(all);
  }
}
