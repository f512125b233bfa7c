package org.hetermoe.compute.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.hetermoe.compute.cuda.library.CudaLibrary;
import org.hetermoe.emulator.RequiresEmulatedCuda;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a user is told where the device cannot be had; each time by a process of its own. */
class CudaAvailabilityTest {
  @TempDir Path directory;

  @Test
  void withoutADriverThereIsNoDevice() throws Exception {
    assumeFalse(hasDriver(), "this machine has a driver of its own");
    assertThat(probe("", "", "cuda", "cuda:1"))
        .hasSize(2)
        .allMatch(
            line ->
                line.matches(
                    "compute cuda(:1)? cannot start: no NVIDIA driver: libcuda.so.1 is not found;"
                        + " install the driver of the GPU"));
  }

  @Test
  @RequiresEmulatedCuda
  void librariesThatAreMissingAreNamed() throws Exception {
    assumeFalse(hasDriver(), "this machine has CUDA of its own");
    assumeFalse(!CudaLibrary.find("libnvrtc.so.13").isEmpty(), "this machine has CUDA of its own");
    link("libcuda.so.1");
    assertThat(probe(directory.toString(), "80", "cuda"))
        .singleElement()
        .asString()
        .startsWith("compute cuda cannot start: NVRTC, the compiler of the kernels, is missing");
    link("libnvrtc.so.12");
    link("libnvrtc-builtins.so.12.9");
    assertThat(probe(directory.toString(), "70", "cuda"))
        .singleElement()
        .asString()
        .startsWith(
            "compute cuda cannot start: cuBLAS is missing (libcublas.so.12, which V100 and drivers of CUDA 12 need)");
  }

  @Test
  @RequiresEmulatedCuda
  void devicesAreFoundByNumberAndUuid() throws Exception {
    List<String> lines = probe(all(), "60,80,90", "cuda", "cuda:2", "cuda:0", "cuda:7", "auto");
    assertThat(lines.get(0)).startsWith("cuda:1 (Emulated GPU sm_80 (no hardware), ");
    assertThat(lines.get(1)).startsWith("cuda:2 (Emulated GPU sm_90 (no hardware), ");
    assertThat(lines.get(2))
        .startsWith("Emulated GPU sm_60")
        .endsWith("has compute capability 6.0; 7.0 (V100) or newer is needed");
    assertThat(lines.get(3))
        .matches(
            "there is no cuda:7; there is cuda:0 \\(Emulated GPU sm_60.*, compute capability 6\\.0,"
                + " GPU-[-0-9a-f]{36}\\), cuda:1 .*, cuda:2 .*");
    assertThat(lines.get(4)).startsWith("cuda:1 (");
    String uuid = lines.get(3).replaceFirst(".*(GPU-[-0-9a-f]{36}).*", "$1"); // the last one's
    assertThat(probe(all(), "60,80,90", "cuda:" + uuid).getFirst())
        .startsWith("cuda:2 (Emulated GPU sm_90");
  }

  @Test
  @RequiresEmulatedCuda
  void aDeviceThatIsNotThereIsToldFromThoseThatAre() throws Exception {
    String absent = "GPU-00000000-0000-0000-0000-000000000001";
    assertThat(probe(all(), "80", "cuda:1", "cuda:" + absent))
        .hasSize(2)
        .allMatch(
            line ->
                line.matches(
                    "there is no cuda:(1|%s); there is cuda:0 \\(Emulated GPU sm_80 \\(no hardware\\),"
                            .formatted(absent)
                        + " compute capability 8\\.0, GPU-[-0-9a-f]{36}\\)"));
  }

  @Test
  @RequiresEmulatedCuda
  void aDriverWithoutGpusSaysSo() throws Exception {
    assertThat(probe(all(), "", "cuda", "cuda:0"))
        .hasSize(2)
        .allMatch(
            line ->
                line.matches(
                    "compute cuda(:0)? cannot start: the NVIDIA driver sees no GPU \\(is"
                        + " CUDA_VISIBLE_DEVICES set, or the container without GPUs\\?\\)"));
  }

  @Test
  @RequiresEmulatedCuda
  void aDriverThatIsTooOldIsToBeUpdated() throws Exception {
    assertThat(probe(all(), Map.of("HETERMOE_EMULATED_DRIVER", "11080"), "80", "cuda"))
        .containsExactly(
            "compute cuda cannot start: the NVIDIA driver supports CUDA 11.8 only; CUDA 12.0 (driver"
                + " 525) or newer is needed: update the driver");
  }

  /** A driver takes no PTX of a newer compiler, and what else the compiler emits fits no device. */
  @Test
  @RequiresEmulatedCuda
  void aDriverThatIsOlderThanTheCompilerAndADeviceThatIsNewerAreRefused() throws Exception {
    assertThat(
            probe(all(), Map.of("HETERMOE_EMULATED_DRIVER", "12020"), "80,130", "cuda:0", "cuda:1"))
        .satisfiesExactly(
            line ->
                assertThat(line)
                    .startsWith("cuda:0 (Emulated GPU sm_80")
                    .contains("driver CUDA 12.2"),
            line ->
                assertThat(line)
                    .isEqualTo(
                        "NVRTC 12.9 knows no sm_130, and the driver (CUDA"
                            + " 12.2) is too old for its PTX: update the driver"));
  }

  @Test
  @RequiresEmulatedCuda
  void devicesThatAreTooOldAreRefused() throws Exception {
    assertThat(probe(all(), "61", "cuda").getFirst())
        .startsWith(
            "compute cuda cannot start: no GPU of compute capability 7.0 (V100) or newer; there is"
                + " cuda:0 (Emulated GPU sm_61");
  }

  /** What a device does not recover from is told with the kernel, then as something known. */
  @Test
  @RequiresEmulatedCuda
  void aBrokenDeviceSaysSoOnceAndThenThatItIsBroken() throws Exception {
    List<String> lines =
        probe(all(), "80", DeviceProbe.BREAK).stream()
            .filter(line -> line.startsWith("cu"))
            .toList();
    assertThat(lines).hasSize(2);
    assertThat(lines.getFirst())
        .matches("cu\\w+ on cuda:0: CUDA_ERROR_\\w+ \\(\\d+\\), .*; last kernel launched: stray");
    assertThat(lines.getLast()).endsWith("on a device that has failed before: " + lines.getFirst());
  }

  private void link(String library) throws IOException {
    Files.createSymbolicLink(
        directory.resolve(library), EmulatedDevices.emulator().libraries().resolve(library));
  }

  private static boolean hasDriver() {
    // Emulated ones are loaded by their paths, and found by name from then on.
    return Files.exists(Path.of("/dev/nvidiactl"))
        || Files.exists(Path.of("/usr/lib/x86_64-linux-gnu/libcuda.so.1"));
  }

  private static String all() {
    return EmulatedDevices.emulator().libraries().toString();
  }

  private static List<String> probe(String libraries, String devices, String... names)
      throws IOException, InterruptedException {
    return probe(libraries, Map.of(), devices, names);
  }

  private static List<String> probe(
      String libraries, Map<String, String> environment, String devices, String... names)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules=jdk.incubator.vector",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                DeviceProbe.class.getName()));
    command.addAll(List.of(names));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("LD_LIBRARY_PATH", libraries);
    builder.environment().put("HETERMOE_EMULATED_GPUS", devices);
    builder.environment().putAll(environment);
    builder.environment().put("XDG_CACHE_HOME", Path.of("target").toAbsolutePath().toString());
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output.lines().toList();
  }
}
