package org.hetermoe.simulate;

import java.util.Collections;
import java.util.List;
import org.hetermoe.plan.ExpertCosts;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.WorkerCosts;

/** Groups whose costs are small numbers. */
final class Costs {
  static final int TOKENS = 12;

  private Costs() {}

  /** An attention worker: attention 2 and 4 seconds, head 1 and 2, an expert as given. */
  static WorkerCosts attention(double expertForward, double bytesPerSecond) {
    return new WorkerCosts(
        "attending",
        new Passes(2, 4),
        Passes.NONE,
        new Passes(1, 2),
        expert(expertForward),
        0,
        0,
        0,
        TOKENS,
        new LinkCosts(bytesPerSecond, 0),
        0,
        1000,
        100,
        10,
        0,
        0,
        0);
  }

  /** An expert worker: an expert's backward takes twice its forward. */
  static WorkerCosts expert(double expertForward, double bytesPerSecond) {
    return new WorkerCosts(
        "computing",
        Passes.NONE,
        Passes.NONE,
        Passes.NONE,
        expert(expertForward),
        0,
        0,
        0,
        0,
        new LinkCosts(bytesPerSecond, 0),
        0,
        1000,
        100,
        10,
        0,
        0,
        0);
  }

  private static ExpertCosts expert(double forward) {
    return new ExpertCosts(new Passes(forward, 2 * forward), Passes.NONE);
  }

  /** A group with top-1 routing and rows of one byte. */
  static GroupCosts group(
      int layers,
      int experts,
      int microBatches,
      List<WorkerCosts> attention,
      List<WorkerCosts> expert) {
    return new GroupCosts(
        layers,
        experts,
        microBatches,
        1,
        1,
        attention,
        expert,
        ExpertLoads.balanced(layers, experts),
        0);
  }

  static <T> List<T> times(int count, T one) {
    return Collections.nCopies(count, one);
  }
}
