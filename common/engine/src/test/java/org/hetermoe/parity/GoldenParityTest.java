package org.hetermoe.parity;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hugging Face's Mixtral is the judge: logits, losses, every gradient, twenty AdamW steps. */
class GoldenParityTest {
  @ParameterizedTest
  @CsvSource({
    "mixtral-a, reference, local",
    "mixtral-a, reference, 1x2",
    "mixtral-a, reference, 2x3",
    "mixtral-a, cpu, local",
    "mixtral-a, cpu, 1x1",
    "mixtral-a, cpu, 1x2",
    "mixtral-a, cpu, 2x3",
    "mixtral-a, cpu, 3x1",
    "mixtral-b, reference, local",
    "mixtral-b, reference, 1x2",
    "mixtral-b, reference, 2x3",
    "mixtral-b, cpu, local",
    "mixtral-b, cpu, 1x2",
    "mixtral-b, cpu, 2x3",
    "mixtral-b, cpu, 2x9",
  })
  void matchesTheReference(String name, String compute, String workers) throws Exception {
    Path folder = Path.of(getClass().getResource("/golden/" + name).toURI());
    try (ParityCase parityCase = ParityCase.open(folder)) {
      ParityReport report = new ParityRun(parityCase, compute).with(ParityWorkers.parse(workers));

      assertThat(report.rows()).hasSizeGreaterThan(30).allMatch(ParityReport.Row::passes);
    }
  }
}
