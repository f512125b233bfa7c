package org.hetermoe.benchmark.gpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.hetermoe.compute.Compute;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.group.Placement;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.LossScaleSpec;
import org.hetermoe.run.OptimizerSpec;
import org.hetermoe.run.PrecisionSpec;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.tensor.DType;
import org.hetermoe.train.LocalTrainer;
import org.hetermoe.train.step.TaskListener;

/** Whole training steps in one process, and where their time goes. */
final class StepTimes {
  private static final OptimizerSpec OPTIMIZER =
      new OptimizerSpec(1e-4, 0, 0, 0.9, 0.95, 1e-8, 0.1, false, 1);

  /** Counts where the type is fp16. */
  private static final LossScaleSpec LOSS_SCALE = new LossScaleSpec(1 << 16, 2000);

  private static final int DRAWN_AT_ONCE = 1 << 16;

  private final Compute compute;
  private final Scale scale;
  private final DType type;
  private final Consumer<Result> results;

  StepTimes(Compute compute, Scale scale, DType type, Consumer<Result> results) {
    this.compute = compute;
    this.scale = scale;
    this.type = type;
    this.results = results;
  }

  /** The median step; tokens per second, and the losses of all steps. */
  void steps() throws InterruptedException {
    List<Double> losses = new ArrayList<>();
    double[] seconds = new double[scale.steps()];
    try (LocalTrainer trainer = trainer(compute)) {
      for (int step = 1; step <= scale.warmUp() + scale.steps(); step++) {
        long begin = System.nanoTime();
        losses.add(trainer.step(step, batch(step)).loss());
        compute.synchronize();
        if (step > scale.warmUp()) {
          seconds[step - scale.warmUp() - 1] = (System.nanoTime() - begin) * 1e-9;
        }
      }
    }
    Arrays.sort(seconds);
    double median = seconds[seconds.length / 2];
    double tokens = (double) scale.sequences() * scale.length();
    results.accept(
        new Result("step", "train", type.label(), median, tokens / median, "tokens/s", losses));
  }

  /** The device's time by operation, each waited for; so their sum is more than a step takes. */
  void shares() throws InterruptedException {
    TimedCompute timed = new TimedCompute(compute);
    try (LocalTrainer trainer = trainer(timed.compute())) {
      trainer.step(1, batch(1));
      timed.reset();
      trainer.step(2, batch(2));
    }
    double total = timed.totalSeconds();
    timed.forEach(
        (operation, seconds) ->
            results.accept(
                new Result(
                    "share",
                    operation,
                    type.label(),
                    seconds,
                    100 * seconds / total,
                    "%",
                    List.of())));
  }

  private LocalTrainer trainer(Compute on) {
    ModelConfig model = scale.model();
    GroupPlan plan =
        new GroupPlan(
                model,
                OPTIMIZER,
                scale.warmUp() + scale.steps(),
                scale.length(),
                1,
                1,
                1,
                ScheduleKind.ZEBRA,
                Placement.balanced(model.layers(), model.experts(), 1))
            .with(GroupPrecision.of(new PrecisionSpec(type, type)), LOSS_SCALE);
    return new LocalTrainer(plan, on, weights(model), TaskListener.NONE);
  }

  /** Uniform numbers of the initial weights' spread, drawn by all cores: there are a billion. */
  private static WeightSource weights(ModelConfig model) {
    float width = (float) (model.initializerRange() * Math.sqrt(12));
    return (name, shape, target) -> {
      float[] values = new float[Math.toIntExact(shape.elements())];
      if (shape.rank() == 1) {
        Arrays.fill(values, 1f);
      } else {
        long seed = (long) name.hashCode() << Integer.SIZE;
        IntStream.rangeClosed(0, values.length / DRAWN_AT_ONCE)
            .parallel()
            .forEach(block -> draw(values, block, new SplittableRandom(seed + block), width));
      }
      MemorySegment.copy(values, 0, target, ValueLayout.JAVA_FLOAT, 0, values.length);
    };
  }

  private static void draw(float[] values, int block, SplittableRandom random, float width) {
    int end = Math.min(values.length, (block + 1) * DRAWN_AT_ONCE);
    for (int i = block * DRAWN_AT_ONCE; i < end; i++) {
      values[i] = (random.nextFloat() - 0.5f) * width;
    }
  }

  private SequenceBatch batch(int step) {
    int tokens = scale.sequences() * scale.length();
    int[] ids = new Random(step).ints(tokens + 1L, 0, scale.model().vocabulary()).toArray();
    return new SequenceBatch(
        scale.sequences(),
        scale.length(),
        Arrays.copyOf(ids, tokens),
        Arrays.copyOfRange(ids, 1, tokens + 1));
  }
}
