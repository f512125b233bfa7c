package org.hetermoe.compute.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.hetermoe.compute.cuda.compile.Architecture;
import org.hetermoe.compute.cuda.compile.Format;
import org.hetermoe.compute.cuda.compile.KernelCache;
import org.hetermoe.compute.cuda.compile.KernelSource;
import org.hetermoe.compute.cuda.compile.Multiprocessor;
import org.hetermoe.compute.cuda.compile.Nvrtc;
import org.hetermoe.compute.cuda.compile.RequiresNvrtc;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Every kernel as machine code of every architecture, by the real assembler: none keeps registers
 * in memory, all can be launched, and the table in docs/kernels.md is what came out.
 */
@RequiresNvrtc
class KernelStatisticsTest {
  /** Registers, shared memory, occupancy. */
  private static final Pattern CELL = Pattern.compile("(\\d+), [\\d.]+, \\d+%");

  private static final int FEW_REGISTERS = 8;

  /** System property: true writes the table instead of comparing it. */
  private static final String WRITE = "hetermoe.kernels.write";

  private static final String REWRITE =
      "./mvnw test -pl common/cuda -am -Dtest=KernelStatisticsTest"
          + " -Dsurefire.failIfNoSpecifiedTests=false -D"
          + WRITE
          + "=true";

  private static final String OUTDATED = "docs/kernels.md; rewrite it: " + REWRITE;

  /** The cell of a kernel that an architecture does not have. */
  private static final String ABSENT = "-";

  /** The compiler that the table was made with; another may count a register more. */
  private static final int TABLE_VERSION = 12_090;

  private static final int THREADS = 2;
  private static KernelCache cache;
  private static List<Row> rows;

  /** A kernel of a variant on an architecture. */
  private record Row(KernelCatalog.Variant variant, KernelStatistics statistics) {
    int threads() {
      return variant.threads(statistics.kernel());
    }

    int shared() {
      return statistics.staticShared() + variant.dynamicShared(statistics.kernel());
    }

    int residentBlocks() {
      return Multiprocessor.of(statistics.architecture())
          .residentBlocks(threads(), statistics.registers(), shared());
    }

    /** The kernel without its half precision, which differs between generations. */
    String name() {
      String kernel = statistics.kernel().replaceAll("_b?f16(?=_|$)", "_half");
      return variant.label().isEmpty() ? kernel : kernel + ", " + variant.label();
    }

    String cell() {
      return cell(statistics.registers());
    }

    private String cell(int registers) {
      return String.format(
          Locale.ROOT,
          "%d, %s, %.0f%%",
          registers,
          shared() == 0 ? "0" : String.format(Locale.ROOT, "%.1f", shared() / 1024.0),
          100
              * Multiprocessor.of(statistics.architecture())
                  .occupancy(threads(), registers, shared()));
    }

    /**
     * Whether a cell of the table still tells of this kernel. The assembler does not allot the same
     * registers every time: a few more or less are no news, as long as the occupancy is the one
     * that goes with them.
     */
    boolean isToldBy(String written) {
      Matcher cell = CELL.matcher(written);
      if (!cell.matches()) {
        return false;
      }
      int registers = Integer.parseInt(cell.group(1));
      return Math.abs(registers - statistics.registers()) <= FEW_REGISTERS
          && written.equals(cell(registers));
    }
  }

  @BeforeAll
  static void compile() throws InterruptedException, ExecutionException {
    cache = new KernelCache(Path.of("target", "kernels"), Nvrtc.find(Nvrtc.NEWEST_DRIVER), 0);
    rows = new ArrayList<>();
    try (ExecutorService executor = Executors.newFixedThreadPool(THREADS)) {
      List<Future<List<Row>>> compilations = new ArrayList<>();
      for (Architecture architecture : KernelCatalog.ARCHITECTURES) {
        for (KernelCatalog.Variant variant : KernelCatalog.variants(architecture)) {
          compilations.add(executor.submit(() -> compile(variant, architecture)));
        }
      }
      for (Future<List<Row>> compilation : compilations) {
        rows.addAll(compilation.get());
      }
    }
  }

  private static List<Row> compile(KernelCatalog.Variant variant, Architecture architecture) {
    return statistics(variant.source(), architecture).stream()
        .map(statistics -> new Row(variant, statistics))
        .toList();
  }

  private static List<KernelStatistics> statistics(KernelSource source, Architecture architecture) {
    return KernelStatistics.read(cache.load(source, architecture, Format.CUBIN).log());
  }

  private static List<String> spills(Stream<KernelStatistics> kernels) {
    return kernels
        .filter(KernelStatistics::spills)
        .map(
            each ->
                "%s for %s spills %d bytes to memory and reads %d"
                    .formatted(
                        each.kernel(), each.architecture(), each.spillStores(), each.spillLoads()))
        .toList();
  }

  @Test
  void everySourceIsInTheCatalogue() throws IOException {
    Path folder = Path.of("src", "main", "resources", "org", "hetermoe", "compute", "cuda");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(
              KernelCatalog.variants(new Architecture(8, 0)).stream()
                  .map(variant -> variant.source().name())
                  .distinct())
          .containsExactlyInAnyOrderElementsOf(
              files
                  .map(file -> file.getFileName().toString())
                  .filter(name -> name.endsWith(".cu"))
                  .toList());
    }
  }

  @Test
  void noKernelSpills() {
    assertThat(rows).hasSizeGreaterThan(KernelCatalog.ARCHITECTURES.size() * 20);
    assertThat(spills(rows.stream().map(Row::statistics))).isEmpty();
  }

  @Test
  void aKernelThatSpillsIsReported() {
    KernelSource planted = KernelSource.resource("planted_spill.cu");

    for (Architecture architecture : KernelCatalog.ARCHITECTURES) {
      assertThat(spills(statistics(planted, architecture).stream()))
          .singleElement()
          .asString()
          .startsWith("planted_spill for " + architecture + " spills ");
    }
  }

  @Test
  void everyBlockFitsAMultiprocessor() {
    assertThat(rows)
        .allSatisfy(
            row -> {
              assertThat(row.residentBlocks()).as(row.toString()).isPositive();
              assertThat(row.shared())
                  .isLessThanOrEqualTo(
                      Multiprocessor.of(row.statistics().architecture()).sharedBytesPerBlock());
            });
  }

  @Test
  void theTableIsUpToDate() throws IOException {
    Path file = Path.of("..", "..", "docs", "kernels.md");
    String current = Files.readString(file);
    String start = "<!-- table -->\n";
    String end = "<!-- end of the table -->\n";
    String wanted =
        current.substring(0, current.indexOf(start) + start.length())
            + table()
            + current.substring(current.indexOf(end));
    if (Boolean.getBoolean(WRITE)) {
      Files.writeString(file, wanted);
      return;
    }
    assumeTrue(
        cache.compiler().version() == TABLE_VERSION,
        "the table was made with another compiler than " + cache.compiler());
    Map<String, List<String>> written = cells(current);
    Map<String, Map<Architecture, Row>> now = rowsByName();
    assertThat(written.keySet()).as(OUTDATED).isEqualTo(now.keySet());
    now.forEach(
        (name, perArchitecture) -> {
          for (int i = 0; i < KernelCatalog.ARCHITECTURES.size(); i++) {
            Row row = perArchitecture.get(KernelCatalog.ARCHITECTURES.get(i));
            String cell = written.get(name).get(i);
            assertThat(row == null ? cell.equals(ABSENT) : row.isToldBy(cell))
                .as("%s of %s, %s: %s", name, KernelCatalog.ARCHITECTURES.get(i), cell, OUTDATED)
                .isTrue();
          }
        });
  }

  /** The cells of each row of the table, by the name of the kernel. */
  private static Map<String, List<String>> cells(String document) {
    Map<String, List<String>> cells = new TreeMap<>();
    document
        .lines()
        .filter(line -> line.startsWith("| ") && !line.startsWith("| kernel |"))
        .map(line -> Arrays.stream(line.split("\\|", -1)).map(String::strip).toList())
        .forEach(row -> cells.put(row.get(1), row.subList(2, row.size() - 1)));
    return cells;
  }

  private static Map<String, Map<Architecture, Row>> rowsByName() {
    Map<String, Map<Architecture, Row>> byName = new TreeMap<>();
    for (Row row : rows) {
      byName
          .computeIfAbsent(row.name(), absent -> new TreeMap<>())
          .put(row.statistics().architecture(), row);
    }
    return byName;
  }

  @Test
  void theTableMayBeAFewRegistersOff() {
    KernelCatalog.Variant variant =
        new KernelCatalog.Variant(KernelSource.resource("elements.cu"), "", "", 256, 0);
    Row row = new Row(variant, new KernelStatistics("k", new Architecture(7, 0), 48, 0, 0, 0));
    assertThat(row.cell()).isEqualTo("48, 0, 63%");
    assertThat(List.of("48, 0, 63%", "40, 0, 75%", "56, 0, 50%")).allMatch(row::isToldBy);
    assertThat(List.of("39, 0, 75%", "48, 0.1, 63%", "48, 0, 75%", "40, 0, 63%", ABSENT))
        .noneMatch(row::isToldBy);
  }

  private static String table() {
    StringBuilder table = new StringBuilder("\n| kernel |");
    KernelCatalog.ARCHITECTURES.forEach(each -> table.append(' ').append(each).append(" |"));
    table.append("\n|---|").append("---|".repeat(KernelCatalog.ARCHITECTURES.size())).append('\n');
    rowsByName()
        .forEach(
            (name, perArchitecture) ->
                table.append(
                    KernelCatalog.ARCHITECTURES.stream()
                        .map(perArchitecture::get)
                        .map(row -> row == null ? ABSENT : row.cell())
                        .collect(Collectors.joining(" | ", "| " + name + " | ", " |\n"))));
    return table.append('\n').toString();
  }
}
