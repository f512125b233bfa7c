package org.hetermoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hetermoe.train.TestRun.EXPERTS;
import static org.hetermoe.train.TestRun.LAYERS;
import static org.hetermoe.train.TestRun.local;
import static org.hetermoe.train.TestRun.numbers;
import static org.hetermoe.train.TestRun.plan;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.group.Placement;
import org.hetermoe.group.RunKey;
import org.hetermoe.nn.SeededWeights;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.train.step.TaskListener;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Nothing above the device interface assumes that a device computes in host memory. */
@Timeout(120)
class DetachedDeviceTest {
  private static final int SEQUENCES = 5;

  @ParameterizedTest
  @CsvSource({"1,1,1", "2,1,2", "3,2,2", "2,3,1"})
  void aGroupOfDevicesWithMemoryOfTheirOwnHasTheSameNumbers(
      int microBatches, int attention, int experts) throws Exception {
    Placement placement = TestRun.random(new Random(7), attention, experts);
    GroupPlan plan = plan(microBatches, attention, experts, placement);
    Placement one = Placement.balanced(LAYERS, EXPERTS, 1);
    List<Double> truth = local(plan(microBatches, attention, 1, one), SEQUENCES, 1);

    assertThat(numbers(train(plan))).isEqualTo(truth);
  }

  /** With a move of experts after each step. */
  private static List<org.hetermoe.train.step.StepResult> train(GroupPlan plan)
      throws InterruptedException {
    try (FrameBuffers buffers = new FrameBuffers();
        MemoryChannels channels =
            new MemoryChannels(
                new RunKey(new UUID(1, 2), 1), plan.members(), buffers, new Refusals(), 1)) {
      InProcessGroup group =
          new InProcessGroup(
              plan,
              channels::channel,
              DetachedDevice::open,
              new SeededWeights(plan.model(), 5),
              _ -> TaskListener.NONE);
      var results =
          group
              .rebalanced(
                  step ->
                      Optional.of(
                          TestRun.random(
                              new Random(step), plan.attentionWorkers(), plan.expertWorkers())))
              .train(TestRun.STEPS, step -> TestRun.batch(SEQUENCES, step));
      assertThat(buffers.outstanding()).isZero();
      return results;
    }
  }
}
