package org.hetermoe.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.Collections;
import java.util.List;
import org.hetermoe.group.WorkerRank.Role;
import org.hetermoe.run.Json;
import org.hetermoe.schedule.Split;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlacementTest {
  @ParameterizedTest
  @CsvSource({"1,8,1", "4,8,3", "2,5,7", "3,64,6"})
  void balancedCountsDifferByAtMostOne(int layers, int experts, int workers) {
    Placement placement = Placement.balanced(layers, experts, workers);

    for (int layer = 0; layer < layers; layer++) {
      List<Integer> counts = placement.counts(layer, Role.EXPERT, workers);
      assertThat(counts.stream().mapToInt(Integer::intValue).sum()).isEqualTo(experts);
      assertThat(Collections.max(counts) - Collections.min(counts)).isLessThanOrEqualTo(1);
      for (int worker = 0; worker < workers; worker++) {
        assertThat(placement.expertsOf(layer, WorkerRank.expert(worker)))
            .hasSize(counts.get(worker));
      }
    }
  }

  @Test
  void takesUnevenCounts() {
    Placement placement = Placement.ofCounts(2, List.of(1, 0, 3));

    List<WorkerRank> layer =
        List.of(
            WorkerRank.expert(0), WorkerRank.expert(2), WorkerRank.expert(2), WorkerRank.expert(2));
    assertThat(placement.owners()).containsExactly(layer, layer);
    assertThat(placement.expertsOf(1, WorkerRank.expert(2))).containsExactly(1, 2, 3);
    assertThat(placement.takesPart(1, WorkerRank.expert(1))).isFalse();
    assertThat(placement.moved(0)).isZero();
  }

  @Test
  void countsExpertsOfEachLayer() {
    WorkerRank attention = WorkerRank.attention(0);
    WorkerRank expert = WorkerRank.expert(0);
    Placement placement =
        new Placement(List.of(List.of(attention, expert, expert), List.of(expert, expert, expert)));

    assertThat(placement.expertsPerLayer(expert)).containsExactly(2, 3);
    assertThat(placement.expertsPerLayer(attention)).containsExactly(1, 0);
    assertThat(placement.expertsPerLayer(WorkerRank.expert(1))).containsExactly(0, 0);
  }

  @Test
  void refusesATableWithHoles() {
    WorkerRank owner = WorkerRank.expert(0);
    List<List<WorkerRank>> ragged = List.of(List.of(owner, owner), List.of(owner));

    assertThatThrownBy(() -> new Placement(ragged)).hasMessageContaining("every layer");
  }

  @Test
  void isAListOfNamesInJson() throws JsonProcessingException {
    Placement placement =
        new Placement(List.of(List.of(WorkerRank.expert(1), WorkerRank.attention(0))));

    String json = Json.MAPPER.writeValueAsString(placement);

    assertThat(json).isEqualTo("[[\"expert-1\",\"attention-0\"]]");
    assertThat(Json.MAPPER.readValue(json, Placement.class)).isEqualTo(placement);
    assertThat(placement.moved(0)).isEqualTo(1);
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
