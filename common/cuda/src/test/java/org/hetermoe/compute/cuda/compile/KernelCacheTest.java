package org.hetermoe.compute.cuda.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.hetermoe.compute.cuda.library.CudaLibrary;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresNvrtc
class KernelCacheTest {
  private static final Architecture SM_80 = new Architecture(8, 0);
  private static final int NEW_DRIVER = 99_000;
  private static final KernelSource DOUBLED = source("doubled.cu", "2 * x[i]");
  private static final KernelSource HALVED = source("halved.cu", "x[i] / 2");

  @TempDir private Path folder;
  private KernelCache cache;

  @BeforeEach
  void open() {
    cache = new KernelCache(folder.resolve("kernels"), Nvrtc.find(NEW_DRIVER), NEW_DRIVER);
  }

  @Test
  void aNewDriverGetsAssemblyAndAnOldOneMachineCode() {
    String ptx = new String(cache.load(DOUBLED, SM_80), StandardCharsets.US_ASCII);
    byte[] cubin = new KernelCache(folder, Nvrtc.find(NEW_DRIVER), 12_000).load(DOUBLED, SM_80);

    assertThat(ptx).contains(".target sm_80", ".entry kernel").endsWith("\0");
    assertThat(cubin).startsWith(0x7f, 'E', 'L', 'F');
  }

  @Test
  void whatTheDriverCannotCompileForAnUnknownDeviceIsRefused() {
    Architecture future = new Architecture(99, 0);

    assertThat(cache.load(DOUBLED, future)).isNotEmpty();
    KernelCache old = new KernelCache(folder, Nvrtc.find(NEW_DRIVER), 12_000);
    assertThatThrownBy(() -> old.load(DOUBLED, future))
        .hasMessageContaining("knows no sm_990")
        .hasMessageContaining("update the driver");
    assertThatThrownBy(() -> cache.load(DOUBLED, new Architecture(3, 5)))
        .hasMessageContaining("no longer compiles for sm_35");
  }

  /** Of CUDA 13, to drivers of CUDA 12; here a generation earlier. */
  @Test
  void aCompilerOfANewerGenerationThanTheDriverIsPassedOver() {
    assertThatThrownBy(() -> Nvrtc.find(11_080, SM_80))
        .hasMessageMatching(
            "the driver \\(CUDA 11\\.8\\) is too old for NVRTC 12\\.\\d: update the driver, or install"
                + " NVRTC of CUDA 11");
    assertThat(Nvrtc.find(12_000, SM_80).version()).isLessThan(13_000);
  }

  @Test
  void aSourceThatDoesNotCompileSaysWhereAndWhy() {
    assertThatThrownBy(() -> cache.load(source("broken.cu", "nothing").define("SIZE", 3), SM_80))
        .isInstanceOf(KernelCompilationException.class)
        .message()
        .matches(
            "broken\\.cu \\(SIZE=3\\) does not compile for sm_80 with NVRTC 1\\d\\.\\d: broken\\.cu\\(2\\):"
                + " error: identifier \"nothing\" is undefined; the log has the rest; another NVRTC of"
                + " CUDA 12 or 13 may do, -Dhetermoe.cuda.libraries names its directory");
  }

  @Test
  void aKeptEntryIsReadAndNotCompiled() throws IOException {
    byte[] halved = cache.load(HALVED, SM_80);
    Files.createDirectories(cache.directory());
    Files.copy(
        cache.entry(HALVED, SM_80, Format.PTX),
        cache.entry(DOUBLED, SM_80, Format.PTX),
        StandardCopyOption.REPLACE_EXISTING);

    assertThat(cache.load(DOUBLED, SM_80)).isEqualTo(halved);
  }

  @Test
  void theCompilersLogIsKeptToo() {
    CompiledKernels compiled = cache.load(DOUBLED, SM_80, Format.CUBIN);

    assertThat(compiled.log()).contains("registers");
    assertThat(cache.load(DOUBLED, SM_80, Format.CUBIN).log()).isEqualTo(compiled.log());
  }

  @Test
  void theKeyChangesWithEverythingThatChangesTheResult() {
    TreeMap<String, String> headers = new TreeMap<>();
    headers.put("types.cuh", "typedef float f32;");
    KernelSource otherHeader =
        new KernelSource(DOUBLED.name(), DOUBLED.text(), headers, new TreeMap<>());
    List<String> keys =
        List.of(
            KernelCache.key(DOUBLED, SM_80, Format.PTX, "NVRTC 12.9", 12_090),
            KernelCache.key(source("doubled.cu", "x[i]"), SM_80, Format.PTX, "NVRTC 12.9", 12_090),
            KernelCache.key(otherHeader, SM_80, Format.PTX, "NVRTC 12.9", 12_090),
            KernelCache.key(DOUBLED.define("A", 1), SM_80, Format.PTX, "NVRTC 12.9", 12_090),
            KernelCache.key(DOUBLED.define("A", 2), SM_80, Format.PTX, "NVRTC 12.9", 12_090),
            KernelCache.key(DOUBLED, new Architecture(8, 6), Format.PTX, "NVRTC 12.9", 12_090),
            KernelCache.key(DOUBLED, SM_80, Format.CUBIN, "NVRTC 12.9", 12_090),
            KernelCache.key(DOUBLED, SM_80, Format.PTX, "NVRTC 13.0", 12_090),
            KernelCache.key(DOUBLED, SM_80, Format.PTX, "NVRTC 12.9", 13_000));

    assertThat(keys).doesNotHaveDuplicates();
    assertThat(KernelCache.key(DOUBLED, SM_80, Format.PTX, "NVRTC 12.9", 12_090))
        .isEqualTo(keys.getFirst());
  }

  @Test
  void aDamagedEntryIsCompiledAgain() throws IOException {
    byte[] good = cache.load(DOUBLED, SM_80);
    Path entry = cache.entry(DOUBLED, SM_80, Format.PTX);
    byte[] file = Files.readAllBytes(entry);

    byte[] flipped = file.clone();
    flipped[file.length / 2] ^= 1;
    for (byte[] damaged : List.of(flipped, new byte[0], Arrays.copyOf(file, 100))) {
      Files.write(entry, damaged);

      assertThat(cache.load(DOUBLED, SM_80)).isEqualTo(good);
      assertThat(Files.readAllBytes(entry)).isEqualTo(file);
    }
  }

  @Test
  void withoutADirectoryKernelsAreCompiledAllTheSame() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "in the way");
    KernelCache nowhere =
        new KernelCache(file.resolve("kernels"), Nvrtc.find(NEW_DRIVER), NEW_DRIVER);

    assertThat(nowhere.load(DOUBLED, SM_80)).isEqualTo(cache.load(DOUBLED, SM_80));
  }

  @Test
  void processesMayShareADirectory() throws IOException, InterruptedException {
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      processes.add(
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "-D" + CudaLibrary.DIRECTORIES + "=" + RequiresNvrtc.Condition.directory(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  Loader.class.getName(),
                  cache.directory().toString())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start());
    }
    List<String> outputs = new ArrayList<>();
    for (Process process : processes) {
      outputs.add(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
      assertThat(process.waitFor()).isZero();
    }

    assertThat(outputs.getFirst()).isNotBlank().isEqualTo(outputs.getLast());
    try (Stream<Path> entries = Files.list(cache.directory())) {
      assertThat(entries).containsExactly(cache.entry(DOUBLED, SM_80, Format.PTX));
    }
  }

  /** A process that loads a source, again and again, from a directory that it shares. */
  static final class Loader {
    private Loader() {}

    public static void main(String[] arguments) throws IOException {
      KernelCache cache =
          new KernelCache(Path.of(arguments[0]), Nvrtc.find(NEW_DRIVER), NEW_DRIVER);
      byte[] image = cache.load(DOUBLED, SM_80);
      for (int i = 0; i < 20; i++) {
        Files.deleteIfExists(cache.entry(DOUBLED, SM_80, Format.PTX));
        if (!Arrays.equals(image, cache.load(DOUBLED, SM_80))) {
          throw new IllegalStateException("not the same module");
        }
      }
      System.out.println(Arrays.hashCode(image));
    }
  }

  private static KernelSource source(String name, String expression) {
    return KernelSource.text(
        name,
        """
        #include "types.cuh"
        extern "C" __global__ void kernel(f32* x, int i) { x[i] = %s; }
        """
            .formatted(expression));
  }
}
