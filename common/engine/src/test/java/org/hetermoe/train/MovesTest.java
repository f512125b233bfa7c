package org.hetermoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hetermoe.train.TestRun.EXPERTS;
import static org.hetermoe.train.TestRun.LAYERS;
import static org.hetermoe.train.TestRun.local;
import static org.hetermoe.train.TestRun.numbers;
import static org.hetermoe.train.TestRun.overMemory;
import static org.hetermoe.train.TestRun.overSockets;
import static org.hetermoe.train.TestRun.placement;
import static org.hetermoe.train.TestRun.plan;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntFunction;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.Tensor;
import org.hetermoe.group.Placement;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.Parameter;
import org.hetermoe.nn.SeededWeights;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.ScheduleKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Experts that move while a run runs change no number. */
@Timeout(120)
class MovesTest {
  private static final Placement ONE = Placement.balanced(LAYERS, EXPERTS, 1);
  private static final int SEQUENCES = 5;

  /** The placement at first, with the owner of one expert of the middle layer to be filled in. */
  private static Placement with(String owner) {
    return placement(
        "e0 e0 e0 e1 e1 e1 e1", "e0 e1 " + owner + " e0 a0 e1 a1", "a0 a1 e0 e1 e0 e1 e0");
  }

  @ParameterizedTest
  @CsvSource({"e0,e1", "e1,a0", "e0,a1", "a0,e1", "a1,e0", "a0,a1", "a1,a0"})
  void anExpertMovesBetweenAnyTwoWorkers(String from, String to) throws Exception {
    GroupPlan plan = plan(3, 2, 2, with(from));
    List<Double> truth = local(plan(3, 2, 1, ONE), SEQUENCES, 1);

    assertThat(
            numbers(
                overMemory(
                    plan, SEQUENCES, group -> group.rebalanced(step -> at(2, step, with(to))))))
        .isEqualTo(truth);
  }

  private static Optional<Placement> at(int wanted, int step, Placement placement) {
    return step == wanted ? Optional.of(placement) : Optional.empty();
  }

  @ParameterizedTest
  @CsvSource({"1,1,1", "2,1,2", "3,2,2", "2,3,1", "4,3,3"})
  void expertsMoveAfterEveryStep(int microBatches, int attention, int experts) throws Exception {
    Random random = new Random(microBatches);
    GroupPlan plan =
        plan(microBatches, attention, experts, TestRun.random(random, attention, experts));

    assertThat(numbers(overMemory(plan, SEQUENCES, group -> group.rebalanced(randomly(plan)))))
        .isEqualTo(local(plan(microBatches, attention, 1, ONE), SEQUENCES, 1));
  }

  @Test
  void socketsCarryMovesAsWell() throws Exception {
    GroupPlan plan = plan(3, 2, 3, TestRun.random(new Random(4), 2, 3));

    assertThat(numbers(overSockets(plan, SEQUENCES, group -> group.rebalanced(randomly(plan)))))
        .isEqualTo(local(plan(3, 2, 1, ONE), SEQUENCES, 1));
  }

  /** The same for all who ask. */
  private static IntFunction<Optional<Placement>> randomly(GroupPlan plan) {
    return step ->
        Optional.of(
            TestRun.random(new Random(step), plan.attentionWorkers(), plan.expertWorkers()));
  }

  @Test
  void aPlacementThatIsTheSameMovesNothing() throws Exception {
    GroupPlan plan = plan(2, 1, 2, TestRun.random(new Random(1), 1, 2));

    assertThat(
            numbers(
                overMemory(
                    plan,
                    SEQUENCES,
                    group -> group.rebalanced(step -> Optional.of(plan.placement())))))
        .isEqualTo(local(plan(2, 1, 1, ONE), SEQUENCES, 1));
  }

  /** Experts of more than one piece, three each way, through windows that hold no piece. */
  @Test
  void largeExpertsArriveWhole() throws Exception {
    ModelConfig model =
        new ModelConfig(61, 24, 1, 4, 2, 6, 6, 1, 15_000, 1e4, 1e-5, false, 0.02, 0, 0.05);
    Placement before = placement("a0 a0 a0 e0 e0 e0");
    Placement after = placement("e0 e0 e0 a0 a0 a0");
    GroupPlan plan = plan(model, 1, 1, 1, ScheduleKind.ZEBRA, before);
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
        GroupLink link = new GroupLink(channels.channel(worker));
        ExpertBank bank = bank(plan, compute, before, worker);
        ExpertBank expected = bank(plan, compute, after, worker)) {
      link.beginStep(1);
      new ExpertMoves(compute, link, bank).run(before, after);
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
        new ExpertBank(compute, plan.model(), List.of(placement.expertsOf(0, worker)));
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

  @Test
  void placementsOfAnotherGroupAreRefused() {
    GroupPlan plan = plan(2, 1, 2, TestRun.random(new Random(1), 1, 2));

    assertThatThrownBy(() -> plan.with(TestRun.random(new Random(2), 4, 3)))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("placement: must name workers of the group (1 attention, 2 expert)");
    assertThatThrownBy(() -> plan.with(Placement.balanced(LAYERS, EXPERTS + 1, 2)))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("7 experts in 3 layers, names 8 in 3");
    assertThatThrownBy(() -> plan.with(Placement.balanced(LAYERS - 1, EXPERTS, 2)))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("7 experts in 3 layers, names 7 in 2");
  }
}
