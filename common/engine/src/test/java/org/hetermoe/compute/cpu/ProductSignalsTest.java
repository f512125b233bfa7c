package org.hetermoe.compute.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A product must leave the stack pointer on the stack, since a signal may come at any time
 * (docs/adr/0012-signal-safe-products.md).
 */
@EnabledOnOs(value = OS.LINUX, architectures = "amd64")
class ProductSignalsTest {
  @TempDir private static Path folder;
  private static Optional<Path> library;

  @BeforeAll
  static void compile() throws IOException, InterruptedException {
    library = StackWatch.compile(folder);
  }

  /** With every instruction set that oneDNN has other kernels for; AVX-512 where there is one. */
  @ParameterizedTest
  @ValueSource(strings = {"DEFAULT", "AVX2", "AVX", "SSE41"})
  void theStackPointerStaysOnTheStack(String isa) throws IOException, InterruptedException {
    assumeTrue(library.isPresent(), "needs gcc");
    ChildJvm.Ending ending =
        new ChildJvm(folder)
            .run(isa, List.of(), ProductsUnderSignals.class, library.orElseThrow().toString());
    assertThat(ending.status()).as(ending.errors()).isZero();
    assertThat(ending.lines()).hasSizeGreaterThan(300);
    assertThat(ending.lines().stream().map(StackWatch.Sightings::parse))
        .filteredOn(seen -> seen.outside() > 0)
        .extracting(StackWatch.Sightings::task)
        .containsExactly(ProductsUnderSignals.STRAY);
  }
}
