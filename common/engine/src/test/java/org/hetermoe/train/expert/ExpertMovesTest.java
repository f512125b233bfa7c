package org.hetermoe.train.expert;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.Tensor;
import org.hetermoe.group.Placement;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.Parameter;
import org.hetermoe.nn.SeededWeights;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.OptimizerSpec;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.tensor.DType;
import org.hetermoe.train.step.RankChannel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What experts are goes with them, bit by bit. */
@Timeout(60)
class ExpertMovesTest {
  /** Experts of more than one piece, three each way, through windows that hold no piece. */
  @Test
  void largeExpertsArriveWhole() throws Exception {
    ModelConfig model =
        new ModelConfig(61, 24, 1, 4, 2, 6, 6, 1, 15_000, 1e4, 1e-5, false, 0.02, 0, 0.05);
    Placement before = owners("a0 a0 a0 e0 e0 e0");
    Placement after = owners("e0 e0 e0 a0 a0 a0");
    GroupPlan plan =
        new GroupPlan(
            model,
            new OptimizerSpec(1e-2, 1e-3, 2, 0.9, 0.95, 1e-8, 0.1, false, 1.0),
            1,
            13,
            1,
            1,
            1,
            ScheduleKind.ZEBRA,
            before);
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    try (FrameBuffers buffers = new FrameBuffers();
        MemoryChannels channels =
            new MemoryChannels(
                new RunKey(new UUID(3, 4), 1), plan.members(), buffers, new Refusals(), 1 << 20)) {
      List<Thread> threads = new ArrayList<>();
      for (WorkerRank worker : plan.members()) {
        threads.add(
            Thread.ofPlatform().start(() -> moveAndCheck(plan, after, channels, worker, failures)));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(failures).isEmpty();
      assertThat(buffers.outstanding()).isZero();
    }
  }

  private static void moveAndCheck(
      GroupPlan plan,
      Placement after,
      MemoryChannels channels,
      WorkerRank worker,
      List<Throwable> failures) {
    Placement before = plan.placement();
    try (Compute compute = Devices.open("cpu", 1);
        RankChannel channel = new RankChannel(channels.channel(worker), compute);
        ExpertBank bank = bank(plan, compute, before, worker);
        ExpertBank expected = bank(plan, compute, after, worker)) {
      channel.beginStep(1);
      new ExpertMoves(channel, bank).run(before, after);
      assertThat(bank.experts(0)).isEqualTo(after.expertsOf(0, worker));
      for (int expert : bank.experts(0)) {
        for (Parameter truth : expected.parameters(0, expert).all()) {
          Parameter moved = bank.parameters(0, expert).get(truth.name());
          assertThat(bits(compute, moved.value())).isEqualTo(bits(compute, truth.value()));
          assertThat(bits(compute, moved.m())).isEqualTo(bits(compute, truth.m()));
          assertThat(bits(compute, moved.v())).isEqualTo(bits(compute, truth.v()));
          assertThat(bits(compute, moved.gradient())).containsOnly(0);
        }
      }
    } catch (Exception | AssertionError failure) {
      failures.add(failure);
      channels.channel(worker).abort("the test failed");
    }
  }

  /** Weights of a seed; moments that tell them and each expert apart. */
  private static ExpertBank bank(
      GroupPlan plan, Compute compute, Placement placement, WorkerRank worker) {
    ExpertBank bank =
        new ExpertBank(compute, plan.model(), DType.F32, List.of(placement.expertsOf(0, worker)));
    bank.load(new SeededWeights(plan.model(), 8));
    bank.forEach(
        (layer, expert) ->
            bank.parameters(layer, expert)
                .forEach(
                    parameter -> {
                      compute.fill(parameter.m(), expert + 0.5f);
                      compute.fill(parameter.v(), -expert - 1);
                    }));
    return bank;
  }

  private static int[] bits(Compute compute, Tensor tensor) {
    int[] bits = new int[Math.toIntExact(tensor.shape().elements())];
    compute.read(tensor, MemorySegment.ofArray(bits));
    return bits;
  }

  /** One layer, whose experts' owners are named by a letter and a digit each. */
  private static Placement owners(String layer) {
    return new Placement(
        List.of(
            Arrays.stream(layer.split(" "))
                .map(
                    name ->
                        name.charAt(0) == 'a'
                            ? WorkerRank.attention(name.charAt(1) - '0')
                            : WorkerRank.expert(name.charAt(1) - '0'))
                .toList()));
  }
}
