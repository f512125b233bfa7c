package org.hetermoe.parity;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Hugging Face's Mixtral judges the GPU that this machine has, in single precision; {@code
 * benchmarks/gpu/run.sh} runs it and carries the cases along.
 */
@EnabledIfSystemProperty(
    named = PresentDeviceGoldenTest.DEVICE,
    matches = "cuda.*",
    disabledReason = "no GPU was named with -D" + PresentDeviceGoldenTest.DEVICE)
class PresentDeviceGoldenTest {
  static final String DEVICE = "hetermoe.cuda.device";

  /** System property: the directory of the cases, where they are not those of this checkout. */
  private static final String GOLDEN = "hetermoe.golden";

  @ParameterizedTest
  @CsvSource({"mixtral-a, local", "mixtral-b, local", "mixtral-a, 1x2"})
  void matchesTheReference(String name, String workers) throws Exception {
    Path golden = Path.of(System.getProperty(GOLDEN, "../engine/src/test/resources/golden"));
    try (ParityCase parityCase = ParityCase.open(golden.resolve(name))) {
      ParityReport report =
          new ParityRun(parityCase, System.getProperty(DEVICE)).with(ParityWorkers.parse(workers));

      assertThat(report.rows()).hasSizeGreaterThan(30).allMatch(ParityReport.Row::passes);
    }
  }
}
