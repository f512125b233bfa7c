package org.hetermoe.nn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class RoutingTest {
  /** Tokens 0, 1, 2 choose experts {2,0}, {1,2}, {0,2}; worker 0 owns 0 and 2, worker 1 owns 1. */
  private final Routing routing = Routing.of(new int[] {2, 0, 1, 2, 0, 2}, 2, List.of(0, 1, 0), 2);

  @Test
  void sendsATokenOnceToEachWorkerThatNeedsIt() {
    assertThat(routing.shares().get(0).tokens()).containsExactly(0, 1, 2);
    assertThat(routing.shares().get(1).tokens()).containsExactly(1);
  }

  @Test
  void ordersAssignmentsByExpertThenToken() {
    Routing.Share share = routing.shares().get(0);

    assertThat(share.counts()).containsExactly(2, 3);
    assertThat(share.rows()).containsExactly(0, 2, 0, 1, 2);
    assertThat(share.slots()).containsExactly(1, 4, 0, 3, 5);
  }

  @Test
  void knowsWhereEachResultComesBack() {
    assertThat(routing.source()).containsExactly(0, 0, 1, 0, 0, 0);
    assertThat(routing.row()).containsExactly(2, 0, 0, 3, 1, 4);
    assertThat(routing.expertCounts()).containsExactly(2, 1, 3);
  }

  @Test
  void takesNoTokens() {
    Routing nothing = Routing.of(new int[0], 2, List.of(0, 1), 2);

    assertThat(nothing.tokens()).isZero();
    assertThat(nothing.shares()).allMatch(share -> share.assignments() == 0);
  }
}
