package org.hetermoe.emulator;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Builds the emulator's libraries with g++, once for sources, flags and compiler, whoever asks at
 * the same time.
 */
final class NativeBuild {

  static final String DRIVER = "libcuda.so.1";
  static final String BLAS = "libcublas.so.12";
  static final String NVRTC = "libnvrtc.so.12";
  static final String NVRTC_BUILTINS = "libnvrtc-builtins.so.12.9";

  static final List<String> HEADERS =
      List.of(
          "interpreter/types.hpp",
          "interpreter/half.hpp",
          "interpreter/program.hpp",
          "interpreter/syntax.hpp",
          "interpreter/decoder.hpp",
          "interpreter/warp.hpp",
          "driver/driver.hpp",
          "blas/cublas.map");
  // those that take longest first
  static final List<String> DRIVER_SOURCES =
      List.of(
          "interpreter/arithmetic.cpp",
          "interpreter/conversion.cpp",
          "interpreter/memory.cpp",
          "interpreter/warp_operations.cpp",
          "interpreter/tensor_cores.cpp",
          "interpreter/execution.cpp",
          "interpreter/decoder.cpp",
          "interpreter/syntax.cpp",
          "driver/devices.cpp",
          "driver/memory.cpp",
          "driver/streams.cpp",
          "driver/api_devices.cpp",
          "driver/api_memory.cpp",
          "driver/api_streams.cpp",
          "driver/api_modules.cpp",
          "driver/api_lacking.cpp");
  static final List<String> BLAS_SOURCES = List.of("blas/cublas.cpp");
  // where kernels spend their time; the rest compiles in half the time at a lower level
  private static final Set<String> HOT =
      Set.of(
          "interpreter/arithmetic.cpp",
          "interpreter/conversion.cpp",
          "interpreter/memory.cpp",
          "interpreter/warp_operations.cpp",
          "interpreter/tensor_cores.cpp",
          "interpreter/execution.cpp",
          "blas/cublas.cpp");

  private static final String MODULE = "common/cuda-emulator";
  private static final int COMPILERS = 2;

  private NativeBuild() {}

  static Optional<String> unavailable() {
    String system = System.getProperty("os.name") + " on " + System.getProperty("os.arch");
    if (!system.equals("Linux on amd64")) {
      return Optional.of("it needs Linux on x86-64, this is " + system);
    }
    if (nvrtc().isEmpty()) {
      return Optional.of("NVRTC was not unpacked: " + MODULE + "/target/nvrtc has no " + NVRTC);
    }
    return Compiler.VERSION.isEmpty() ? Optional.of("there is no g++") : Optional.empty();
  }

  /** The directory with all libraries, which is built if it is not there. */
  static synchronized Path libraries() throws IOException {
    List<String> flags = flags();
    Path cache = target().map(t -> t.resolve("emulator")).orElseGet(NativeBuild::temporaryCache);
    Path result = cache.resolve(key(withNvrtc(flags), allSources()));
    Files.createDirectories(cache);
    try (FileChannel channel =
            FileChannel.open(
                cache.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.lock()) {
      if (lock.isValid() && !Files.isDirectory(result)) {
        Path scratch = Files.createTempDirectory(cache, "build");
        build(scratch, flags);
        Files.move(scratch, result, StandardCopyOption.ATOMIC_MOVE);
      }
    }
    return result;
  }

  private static Path temporaryCache() {
    return Path.of(
        System.getProperty("java.io.tmpdir"),
        "hetermoe-emulator-" + System.getProperty("user.name"));
  }

  private static void build(Path directory, List<String> flags) throws IOException {
    Path sources = directory.resolve("sources");
    for (String name : allSources()) {
      Path file = sources.resolve(name);
      Files.createDirectories(file.getParent());
      Files.write(file, source(name));
    }
    Path kept = directory.resolveSibling("objects");
    List<String> driverObjects = compile(sources, DRIVER_SOURCES, flags, kept);
    List<String> blasObjects = compile(sources, BLAS_SOURCES, flags, kept);
    String driver = directory.resolve(DRIVER).toString();
    run(sources, link(driver, DRIVER, driverObjects, List.of("-lpthread")));
    run(
        sources,
        link(
            directory.resolve(BLAS).toString(),
            BLAS,
            blasObjects,
            List.of("-Wl,--version-script=blas/cublas.map", driver)));
    Path nvrtc = nvrtc().orElseThrow();
    Files.createSymbolicLink(directory.resolve(NVRTC), nvrtc);
    Files.createSymbolicLink(
        directory.resolve(NVRTC_BUILTINS), nvrtc.resolveSibling(NVRTC_BUILTINS));
  }

  private static List<String> link(
      String output, String name, List<String> objects, List<String> more) {
    List<String> command =
        new ArrayList<>(List.of("g++", "-shared", "-Wl,-soname," + name, "-o", output));
    command.addAll(objects);
    command.addAll(more);
    return command;
  }

  /**
   * Compiles each source to an object, a few at a time; objects of sources that did not change are
   * kept.
   */
  private static List<String> compile(
      Path sources, List<String> names, List<String> flags, Path kept) throws IOException {
    Files.createDirectories(kept);
    List<String> objects = new ArrayList<>();
    List<Path> scratch = new ArrayList<>();
    Deque<Process> running = new ArrayDeque<>();
    Deque<String> commands = new ArrayDeque<>();
    for (String name : names) {
      List<String> command = new ArrayList<>(List.of("g++"));
      command.addAll(flags);
      if (!HOT.contains(name)) {
        command.add("-O1"); // the last level that is given counts
      }
      Path object =
          kept.resolve(
              key(command, Stream.concat(HEADERS.stream(), Stream.of(name)).toList()) + ".o");
      objects.add(object.toString());
      if (Files.exists(object)) {
        continue;
      }
      Path own = sources.resolve(name.replace(".cpp", ".o"));
      scratch.add(own);
      scratch.add(object);
      command.addAll(List.of("-c", name, "-o", own.toString()));
      if (running.size() == COMPILERS) {
        await(running.remove(), commands.remove());
      }
      running.add(start(sources, command));
      commands.add(String.join(" ", command));
    }
    while (!running.isEmpty()) {
      await(running.remove(), commands.remove());
    }
    for (int k = 0; k < scratch.size(); k += 2) {
      Files.move(scratch.get(k), scratch.get(k + 1), StandardCopyOption.ATOMIC_MOVE);
    }
    return objects;
  }

  private static void run(Path directory, List<String> command) throws IOException {
    await(start(directory, command), String.join(" ", command));
  }

  private static Process start(Path directory, List<String> command) throws IOException {
    return new ProcessBuilder(command)
        .directory(directory.toFile())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve("log").toFile()))
        .start();
  }

  private static void await(Process process, String command) throws IOException {
    try {
      int status = process.waitFor();
      if (status != 0) {
        Path log = Path.of("log");
        throw new IOException(
            "status " + status + " of '" + command + "', see its " + log + " beside the sources");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while building the emulator", e);
    }
  }

  private static List<String> allSources() {
    return Stream.of(HEADERS, DRIVER_SOURCES, BLAS_SOURCES).flatMap(List::stream).toList();
  }

  private static byte[] source(String name) throws IOException {
    try (InputStream in = NativeBuild.class.getResourceAsStream("cpp/" + name)) {
      if (in == null) {
        throw new IOException("source " + name + " is missing");
      }
      return in.readAllBytes();
    }
  }

  private static List<String> flags() throws IOException {
    String processor = Files.readString(Path.of("/proc/cpuinfo"));
    List<String> features = List.of("avx2", "fma", "f16c", "bmi2", "movbe");
    List<String> words = Arrays.asList(processor.split("\\s+"));
    String architecture = words.containsAll(features) ? "haswell" : "x86-64";
    return List.of(
        "-std=c++17",
        "-O3",
        "-march=" + architecture,
        // a product and a sum stay two roundings unless a kernel asks for one
        "-ffp-contract=off",
        "-fno-math-errno",
        "-fPIC",
        "-fvisibility=hidden");
  }

  private static List<String> withNvrtc(List<String> flags) {
    List<String> all = new ArrayList<>(flags);
    all.add(nvrtc().orElseThrow().toString());
    return all;
  }

  private static String key(List<String> command, List<String> names) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (String name : names) {
        digest.update(name.getBytes(StandardCharsets.UTF_8));
        digest.update(source(name));
      }
      digest.update(String.join(" ", command).getBytes(StandardCharsets.UTF_8));
      digest.update(Compiler.VERSION.orElse("").getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest.digest(), 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IOException(e);
    }
  }

  /** NVRTC as this module's build unpacked it. */
  private static Optional<Path> nvrtc() {
    return target()
        .map(t -> t.resolve("nvrtc"))
        .filter(Files::isDirectory)
        .flatMap(
            directory -> {
              try (Stream<Path> files = Files.walk(directory)) {
                return files.filter(f -> f.endsWith(NVRTC)).findFirst();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
  }

  /**
   * The build directory of this module: around its classes or jar, or found upward from where the
   * tests run.
   */
  private static Optional<Path> target() {
    List<Path> candidates = new ArrayList<>();
    try {
      candidates.add(
          Path.of(NativeBuild.class.getProtectionDomain().getCodeSource().getLocation().toURI())
              .getParent());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
    for (Path p = Path.of("").toAbsolutePath(); p != null; p = p.getParent()) {
      candidates.add(p.resolve(MODULE).resolve("target"));
    }
    return candidates.stream()
        .filter(p -> p.endsWith(Path.of("cuda-emulator", "target")) && Files.isDirectory(p))
        .findFirst();
  }

  /** Asked for once: starting it takes a while. */
  private static final class Compiler {
    static final Optional<String> VERSION = version();

    private static Optional<String> version() {
      try {
        Process process = new ProcessBuilder("g++", "--version").redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? Optional.of(text) : Optional.empty();
      } catch (IOException e) {
        return Optional.empty();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return Optional.empty();
      }
    }
  }
}
