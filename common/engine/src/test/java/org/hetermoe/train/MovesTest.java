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

import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.IntFunction;
import org.hetermoe.group.Placement;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.GroupPlan;
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
