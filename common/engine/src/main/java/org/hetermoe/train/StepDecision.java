package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;

/**
 * What attention worker 0 makes of all reports at the end of a step, and tells everybody.
 *
 * @param gradientNorm global, before clipping
 * @param clip factor on all gradients
 * @param after what follows the step
 */
record StepDecision(double gradientNorm, double clip, StepPolicy.AfterStep after) {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

  private static final int LAYERS_AT = 40;
  private static final int EXPERTS_AT = 44;
  private static final int OWNERS_AT = 48;

  /** Integers that {@link #write} needs. */
  int tableSize() {
    int owners =
        after.placement().map(placement -> placement.layers() * placement.experts()).orElse(0);
    return OWNERS_AT / Integer.BYTES + owners;
  }

  void write(MemorySegment table) {
    table.set(DOUBLE, 0, gradientNorm);
    table.set(DOUBLE, 8, clip);
    table.set(LONG, 16, after.last() ? 1 : 0);
    table.set(LONG, 24, after.evaluationSequences());
    table.set(LONG, 32, after.checkpoint() ? 1 : 0);
    table.set(ValueLayout.JAVA_INT, LAYERS_AT, after.placement().map(Placement::layers).orElse(0));
    table.set(
        ValueLayout.JAVA_INT, EXPERTS_AT, after.placement().map(Placement::experts).orElse(0));
    after.placement().ifPresent(placement -> write(placement, table.asSlice(OWNERS_AT)));
  }

  private static void write(Placement placement, MemorySegment owners) {
    int at = 0;
    for (List<WorkerRank> layer : placement.owners()) {
      for (WorkerRank owner : layer) {
        owners.setAtIndex(ValueLayout.JAVA_INT, at++, owner.code());
      }
    }
  }

  static StepDecision read(MemorySegment table) {
    int layers = table.get(ValueLayout.JAVA_INT, LAYERS_AT);
    int experts = table.get(ValueLayout.JAVA_INT, EXPERTS_AT);
    return new StepDecision(
        table.get(DOUBLE, 0),
        table.get(DOUBLE, 8),
        new StepPolicy.AfterStep(
            table.get(LONG, 16) != 0,
            Math.toIntExact(table.get(LONG, 24)),
            table.get(LONG, 32) != 0,
            layers == 0
                ? Optional.empty()
                : Optional.of(placement(layers, experts, table.asSlice(OWNERS_AT)))));
  }

  private static Placement placement(int layers, int experts, MemorySegment codes) {
    List<List<WorkerRank>> owners = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      List<WorkerRank> row = new ArrayList<>();
      for (int expert = 0; expert < experts; expert++) {
        int code = codes.getAtIndex(ValueLayout.JAVA_INT, (long) layer * experts + expert);
        row.add(
            WorkerRank.ofCode(code)
                .orElseThrow(() -> new IllegalStateException("no worker has code " + code)));
      }
      owners.add(row);
    }
    return new Placement(owners);
  }
}
