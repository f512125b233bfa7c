package org.hetermoe.coordinator.metrics;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.hetermoe.coordinator.RealParts;
import org.hetermoe.run.LossScale;
import org.hetermoe.run.StepMetrics;
import org.junit.jupiter.api.Test;

@QuarkusTest
@QuarkusTestResource(RealParts.class)
class StepHistoryIT {
  private static final int STEPS = 250;
  private static final Instant AT = Instant.parse("2026-01-02T03:04:05.678901Z");

  @Inject StepHistory history;

  @Test
  void storesEveryStepOfABatchOnceHoweverOftenItComes() {
    UUID run =
        UUID.fromString(
            given()
                .contentType("application/json")
                .body("{\"workers\": {\"attention\": 50}}")
                .post("/api/v1/runs")
                .path("id"));

    // A run that was not placed yet is at attempt 0.
    assertThat(history.store(run, 0, steps(run, 1, STEPS, 1.5))).isEqualTo(STEPS);
    assertThat(history.store(run, 0, steps(run, 100, STEPS, 2.5))).isEqualTo(STEPS);
    assertThat(history.store(run, 1, steps(run, 1, STEPS, 9.5))).as("of another attempt").isZero();

    List<StepMetrics> stored = history.page(run, 0, 10_000);
    assertThat(stored)
        .extracting(StepMetrics::step)
        .containsExactlyElementsOf(IntStream.range(1, 100 + STEPS).boxed().toList());
    assertThat(stored.get(98)).isEqualTo(step(run, 99, 1.5));
    assertThat(stored.get(99)).isEqualTo(step(run, 100, 2.5));
    given().post("/api/v1/runs/" + run + "/stop").then().statusCode(202);
  }

  /** However much a step has to tell, a page of them fits into memory. */
  @Test
  void pagesAreBoundedByWhatStepsHold() {
    UUID run =
        UUID.fromString(
            given()
                .contentType("application/json")
                .body(
                    "{\"model\": {\"layers\": 100, \"experts\": 200},"
                        + " \"workers\": {\"attention\": 50}}")
                .post("/api/v1/runs")
                .path("id"));
    List<List<Long>> rows = Collections.nCopies(100, LongStream.range(0, 200).boxed().toList());
    int number = 60;
    for (int step = 1; step <= number; step++) {
      history.store(run, 0, List.of(step(run, step, 1, rows)));
    }

    List<Integer> seen = new ArrayList<>();
    List<StepMetrics> page = history.page(run, 0, 10_000);
    while (!page.isEmpty()) {
      assertThat(page.size() * 100 * 200).isLessThanOrEqualTo(500_000);
      page.forEach(step -> seen.add(step.step()));
      page = history.page(run, seen.getLast() + 1, 10_000);
    }

    assertThat(seen).containsExactlyElementsOf(IntStream.rangeClosed(1, number).boxed().toList());
    assertThat(history.since(run, 0, 0, 1_000))
        .as("the last ones")
        .hasSizeBetween(1, 25)
        .last()
        .isEqualTo(step(run, number, 1, rows));
    given().post("/api/v1/runs/" + run + "/stop").then().statusCode(202);
  }

  private static List<StepMetrics> steps(UUID run, int first, int number, double loss) {
    return IntStream.range(first, first + number).mapToObj(step -> step(run, step, loss)).toList();
  }

  private static StepMetrics step(UUID run, int step, double loss) {
    return step(run, step, loss, null);
  }

  private static StepMetrics step(UUID run, int step, double loss, List<List<Long>> expertRows) {
    return new StepMetrics(
        run,
        0,
        step,
        loss,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
        step % 2 == 0 ? 12.0 : null,
        null,
        expertRows,
        step % 2 == 0 ? new LossScale(65536, 7, true, 3) : null,
        AT);
  }
}
