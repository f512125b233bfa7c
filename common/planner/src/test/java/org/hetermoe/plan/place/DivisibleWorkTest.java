package org.hetermoe.plan.place;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.hetermoe.plan.place.DivisibleWork.Machine;
import org.junit.jupiter.api.Test;

/** The linear program against cases worked out by hand. */
class DivisibleWorkTest {
  private static final double NEVER = Double.POSITIVE_INFINITY;

  @Test
  void oneKindIsSharedByRate() {
    // rates 1 and 1/3: 12 units take 9 seconds
    DivisibleWork work =
        new DivisibleWork(List.of(new Machine(0, NEVER, 1, 1), new Machine(0, NEVER, 3, 1)));

    assertThat(work.leastSeconds(0, 12)).isCloseTo(9, within(1e-9));
  }

  @Test
  void whoGivesUpLeastDoesTheFirstKind() {
    // One machine needs 1 and 1 a unit, the other 4 and 2. The first does all 10 of the first kind
    // and, until T, T - 10 of the second; the other T / 2: 3 T / 2 = 20 + 10
    DivisibleWork work =
        new DivisibleWork(List.of(new Machine(0, 4, 2, 1), new Machine(0, 1, 1, 1)));

    assertThat(work.leastSeconds(10, 20)).isCloseTo(20, within(1e-9));
  }

  @Test
  void nobodyIsDoneBeforeWhatItHasToDoAnyway() {
    DivisibleWork work =
        new DivisibleWork(List.of(new Machine(50, NEVER, 1, 1), new Machine(0, NEVER, 1, 4)));

    assertThat(work.leastSeconds(0, 40)).isEqualTo(50);
    assertThat(work.leastSeconds(0, 260)).isCloseTo(62, within(1e-9));
  }

  @Test
  void workThatNobodyCanDoTakesForever() {
    DivisibleWork work = new DivisibleWork(List.of(new Machine(0, NEVER, 1, 1)));

    assertThat(work.leastSeconds(1, 0)).isInfinite();
  }
}
