package org.hetermoe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.hetermoe.model.InvalidFieldException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WorkerRangeTest {
  @ParameterizedTest
  @CsvSource({"3,3", "1..4,1..4", "2..2,2", "'\"1..4\"',1..4"})
  void isReadAndWrittenAsPeopleWriteIt(String given, String written) {
    RunSpec spec = RunSpecReader.read("workers: {experts: " + given + "}", List.of());

    assertThat(spec.workers().experts()).hasToString(written);
    assertThat(RunSpecReader.read(RunSpecReader.toYaml(spec), List.of())).isEqualTo(spec);
    assertThat(RunSpecReader.read(RunSpecReader.toJson(spec), List.of())).isEqualTo(spec);
    assertThat(RunSpecReader.read("", List.of("workers.experts=" + given))).isEqualTo(spec);
  }

  @ParameterizedTest
  @CsvSource({
    "0,'must be at least 1, is 0'",
    "4..1,'must have the smaller number first, is 4..1'",
    "1..9999,'must be at most 1024, is 9999'",
    "few,'must be a whole number or a range as in 1..4, is ''few'''",
    "1.5,'must be a whole number or a range as in 1..4, is 1.5'",
    "true,'must be a whole number or a range as in 1..4'"
  })
  void whatIsNoRangeIsRefusedByName(String given, String problem) {
    assertThatThrownBy(() -> RunSpecReader.read("workers: {experts: " + given + "}", List.of()))
        .isInstanceOfSatisfying(
            InvalidFieldException.class, e -> assertThat(e.field()).isEqualTo("workers.experts"))
        .hasMessageContaining(problem);
  }

  @Test
  void countsOfExpertsWantANumber() {
    assertThatThrownBy(
            () -> RunSpecReader.read("workers: {experts: 1..2, expert_counts: [4, 4]}", List.of()))
        .hasMessageContaining("each of the 1..2 expert workers");
  }

  @Test
  void anAttemptHasANumber() {
    RunSpec spec = RunSpecReader.read("workers: {experts: 1..4}", List.of());

    assertThatThrownBy(() -> spec.workers().experts().number())
        .isInstanceOf(IllegalStateException.class);
    assertThat(spec.withExpertWorkers(3).workers().experts().number()).isEqualTo(3);
    assertThat(spec.withExpertWorkers(3).withExpertWorkers(1)).isEqualTo(spec.withExpertWorkers(1));
  }
}
