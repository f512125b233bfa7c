package org.hetermoe.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.RunKey;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.group.Peer;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.SeededWeights;
import org.hetermoe.optim.OptimizerSpec;
import org.hetermoe.plan.Placement;
import org.hetermoe.plan.ScheduleKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Distributed equals local, to the last bit: the invariant everything else is built on. */
class SameNumbersTest {
  private static final int STEPS = 4;

  private final ModelConfig model =
      new ModelConfig(61, 24, 3, 4, 2, 6, 7, 3, 20, 1e4, 1e-5, false, 0.02, 1e-3, 0.05);
  private final OptimizerSpec optimizer =
      new OptimizerSpec(1e-2, 1e-3, 2, 0.9, 0.95, 1e-8, 0.1, false, 1.0);

  private SequenceBatch batch(int sequences, int length, int step) {
    Random random = new Random(step);
    int[] ids = random.ints(sequences * length + 1, 0, model.vocabulary()).toArray();
    int[] targets = IntStream.range(0, sequences * length).map(i -> ids[i + 1]).toArray();
    return new SequenceBatch(
        sequences, length, java.util.Arrays.copyOf(ids, sequences * length), targets);
  }

  private GroupPlan plan(int microBatches, int attention, List<Integer> expertCounts) {
    return new GroupPlan(
        model,
        optimizer,
        STEPS,
        13,
        microBatches,
        attention,
        expertCounts.size(),
        ScheduleKind.ZEBRA,
        Placement.ofCounts(model.layers(), expertCounts));
  }

  private List<Double> local(GroupPlan plan, int sequences, int threads) throws Exception {
    List<Double> losses = new ArrayList<>();
    try (Compute compute = Devices.open("cpu", threads);
        LocalTrainer trainer =
            new LocalTrainer(plan, compute, new SeededWeights(model, 5), StepProbe.NONE)) {
      for (int step = 1; step <= STEPS; step++) {
        StepResult result = trainer.step(step, batch(sequences, 13, step));
        losses.add(result.loss());
        losses.add(result.gradientNorm());
      }
    }
    return losses;
  }

  private List<Double> group(GroupPlan plan, int sequences) throws Exception {
    List<Peer> members =
        Stream.concat(
                IntStream.range(0, plan.attentionWorkers()).mapToObj(Peer::attention),
                IntStream.range(0, plan.expertWorkers()).mapToObj(Peer::expert))
            .toList();
    RunKey run = new RunKey(new UUID(1, 2), 1);
    try (FrameBuffers buffers = new FrameBuffers();
        MemoryChannels channels = new MemoryChannels(run, members, buffers, new Refusals())) {
      List<StepResult> results =
          new InProcessGroup(
                  plan,
                  channels::channel,
                  () -> Devices.open("cpu", 1),
                  new SeededWeights(model, 5),
                  StepProbe.NONE)
              .train(STEPS, step -> batch(sequences, 13, step));
      assertThat(buffers.outstanding()).isZero();
      return results.stream()
          .flatMap(result -> Stream.of(result.loss(), result.gradientNorm()))
          .toList();
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1,5", "2,1,5", "3,2,5", "5,3,5", "1,2,1", "3,4,7"})
  void aGroupEqualsTheLocalTrainer(int microBatches, int attention, int sequences)
      throws Exception {
    List<Double> truth = local(plan(microBatches, attention, List.of(7)), sequences, 2);

    for (List<Integer> counts : List.of(List.of(7), List.of(3, 4), List.of(1, 0, 6))) {
      assertThat(group(plan(microBatches, attention, counts), sequences)).isEqualTo(truth);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void attentionWorkersChangeNothingButRounding(int attention) throws Exception {
    List<Double> one = local(plan(2, 1, List.of(7)), 5, 1);
    List<Double> several = local(plan(2, attention, List.of(7)), 5, 1);

    for (int i = 0; i < one.size(); i++) {
      assertThat(several.get(i)).isCloseTo(one.get(i), Offset.offset(2e-5 * one.get(i)));
    }
  }

  @Test
  void threadsChangeNothing() throws Exception {
    GroupPlan plan = plan(2, 1, List.of(7));

    assertThat(local(plan, 4, 1)).isEqualTo(local(plan, 4, 3));
  }

  @Test
  void microBatchesChangeNothingButRoundingAndTheBalancingLoss() throws Exception {
    ModelConfig unbalanced =
        new ModelConfig(61, 24, 3, 4, 2, 6, 7, 3, 20, 1e4, 1e-5, false, 0, 0, 0.05);
    List<Double> losses = new ArrayList<>();
    for (int microBatches : new int[] {1, 4}) {
      GroupPlan plan =
          new GroupPlan(
              unbalanced,
              optimizer,
              STEPS,
              13,
              microBatches,
              1,
              1,
              ScheduleKind.ZEBRA,
              Placement.balanced(3, 7, 1));
      try (Compute compute = Devices.open("cpu", 1);
          LocalTrainer trainer =
              new LocalTrainer(plan, compute, new SeededWeights(model, 5), StepProbe.NONE)) {
        losses.add(trainer.step(1, batch(6, 13, 1)).loss());
      }
    }

    assertThat(losses.get(0)).isCloseTo(losses.get(1), Offset.offset(1e-6));
  }
}
