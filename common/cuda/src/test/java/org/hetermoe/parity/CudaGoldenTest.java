package org.hetermoe.parity;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.hetermoe.emulator.EmulatedCuda;
import org.hetermoe.emulator.RequiresEmulatedCuda;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Hugging Face's Mixtral judges the device cuda in single precision, as it does the others. */
@RequiresEmulatedCuda
class CudaGoldenTest {
  private static final Path GOLDEN = Path.of("..", "engine", "src", "test", "resources", "golden");

  @ParameterizedTest
  @CsvSource({"mixtral-a, cuda:0, local", "mixtral-a, cuda:3, 1x2"})
  void matchesTheReference(String name, String compute, String workers) throws Exception {
    EmulatedCuda.start(70, 75, 80, 90);
    try (ParityCase parityCase = ParityCase.open(GOLDEN.resolve(name))) {
      ParityReport report = new ParityRun(parityCase, compute).with(ParityWorkers.parse(workers));

      assertThat(report.rows()).hasSizeGreaterThan(30).allMatch(ParityReport.Row::passes);
    }
  }
}
