package org.hetermoe.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlacementTest {
  @ParameterizedTest
  @CsvSource({"1,8,1", "4,8,3", "2,5,7", "3,64,6"})
  void balancedCountsDifferByAtMostOne(int layers, int experts, int workers) {
    Placement placement = Placement.balanced(layers, experts, workers);

    for (int layer = 0; layer < layers; layer++) {
      List<Integer> counts = placement.counts(layer, workers);
      assertThat(counts.stream().mapToInt(Integer::intValue).sum()).isEqualTo(experts);
      assertThat(Collections.max(counts) - Collections.min(counts)).isLessThanOrEqualTo(1);
      for (int worker = 0; worker < workers; worker++) {
        assertThat(placement.expertsOf(layer, worker)).hasSize(counts.get(worker));
      }
    }
  }

  @Test
  void takesUnevenCounts() {
    Placement placement = Placement.ofCounts(2, List.of(1, 0, 3));

    assertThat(placement.owners()).containsExactly(List.of(0, 2, 2, 2), List.of(0, 2, 2, 2));
    assertThat(placement.expertsOf(1, 2)).containsExactly(1, 2, 3);
  }

  @Test
  void refusesATableWithHoles() {
    List<List<Integer>> ragged = List.of(List.of(0, 0), List.of(0));

    assertThatThrownBy(() -> new Placement(ragged)).hasMessageContaining("every layer");
  }

  @ParameterizedTest
  @CsvSource({"7,3", "1,4", "0,2", "8,8"})
  void splitsCoverEverythingInOrder(int total, int parts) {
    int next = 0;
    for (int index = 0; index < parts; index++) {
      Split split = Split.of(total, parts, index);
      assertThat(split.from()).isEqualTo(next);
      assertThat(split.count()).isBetween(total / parts, total / parts + 1);
      next += split.count();
    }
    assertThat(next).isEqualTo(total);
  }
}
