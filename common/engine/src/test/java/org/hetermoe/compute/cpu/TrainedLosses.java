package org.hetermoe.compute.cpu;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.group.Placement;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.SeededWeights;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.OptimizerSpec;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.train.LocalTrainer;
import org.hetermoe.train.step.TaskListener;

/**
 * Trains and prints the bits of every loss: {@code TrainedLosses steps [library]}. With the library
 * of {@link StackWatch} it trains once more under a storm of signals and prints what the watch saw.
 */
final class TrainedLosses {
  private static final int LENGTH = 128;

  /**
   * Small, since the first steps are not compiled yet; but the inner extents of the experts'
   * products are 256, where the kernels of oneDNN want a large workspace.
   */
  private static final ModelConfig MODEL =
      new ModelConfig(32, 256, 1, 2, 1, 32, 2, 1, 256, 1e4, 1e-5, false, 0.02, 1e-3, 0.05);

  private static final OptimizerSpec OPTIMIZER =
      new OptimizerSpec(1e-3, 1e-4, 5, 0.9, 0.95, 1e-8, 0.1, false, 1.0);

  private TrainedLosses() {}

  public static void main(String[] args) {
    int steps = Integer.parseInt(args[0]);
    train(steps);
    if (args.length > 1) {
      new StackWatch(Path.of(args[1])).during("training", () -> train(steps), 1).print();
    }
  }

  private static void train(int steps) {
    Placement placement = Placement.balanced(MODEL.layers(), MODEL.experts(), 1);
    GroupPlan plan =
        new GroupPlan(MODEL, OPTIMIZER, steps, LENGTH, 1, 1, 1, ScheduleKind.ZEBRA, placement);
    try (Compute compute = Devices.open("cpu", 1);
        LocalTrainer trainer =
            new LocalTrainer(plan, compute, new SeededWeights(MODEL, 5), TaskListener.NONE)) {
      for (int step = 1; step <= steps; step++) {
        System.out.print(Double.toHexString(trainer.step(step, batch(step)).loss()) + "\n");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static SequenceBatch batch(int step) {
    int[] ids = new Random(step).ints(LENGTH + 1, 0, MODEL.vocabulary()).toArray();
    int[] targets = IntStream.range(0, LENGTH).map(i -> ids[i + 1]).toArray();
    return new SequenceBatch(1, LENGTH, Arrays.copyOf(ids, LENGTH), targets);
  }
}
