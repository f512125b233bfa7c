package org.hetermoe.compute.cuda.library;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A shared library of CUDA, loaded for as long as the process lives.
 *
 * <p>Looked for, in this order: the directories that the system property {@value #DIRECTORIES}
 * lists; where the system's loader looks (LD_LIBRARY_PATH, the loader's cache, and libraries that
 * the process has loaded already); {@code /usr/local/cuda*}; and the {@code nvidia} packages of the
 * Python environments at hand, which is how PyTorch brings these libraries.
 *
 * @param name the file's name with its major version: {@code libnvrtc.so.12}
 * @param path the file, where the process's map of memory shows it
 * @param symbols its functions
 */
public record CudaLibrary(String name, Optional<Path> path, SymbolLookup symbols) {
  /** System property: directories to search first, separated as in a class path. */
  public static final String DIRECTORIES = "hetermoe.cuda.libraries";

  /**
   * Every library of these names that loads here, in their order.
   *
   * @param names file names with major versions, the preferred one first
   */
  public static List<CudaLibrary> find(String... names) {
    List<CudaLibrary> found = new ArrayList<>();
    List<Path> first = listed();
    List<Path> last = installed();
    for (String name : names) {
      in(first, name).or(() -> byName(name)).or(() -> in(last, name)).ifPresent(found::add);
    }
    return found;
  }

  /** Where {@link #find} looks, for messages. */
  public static String searched() {
    return "searched: -D"
        + DIRECTORIES
        + ", LD_LIBRARY_PATH and the system's libraries, /usr/local/cuda*, Python's nvidia"
        + " packages";
  }

  /**
   * A function of the library.
   *
   * @throws UnsatisfiedLinkError if it has none of that name
   */
  @SuppressWarnings("restricted") // the product is started with --enable-native-access
  public MethodHandle function(
      String function, FunctionDescriptor descriptor, Linker.Option... options) {
    MemorySegment address =
        symbols
            .find(function)
            .orElseThrow(() -> new UnsatisfiedLinkError(name + " has no function " + function));
    return Linker.nativeLinker().downcallHandle(address, descriptor, options);
  }

  private static Optional<CudaLibrary> in(List<Path> directories, String name) {
    for (Path directory : directories) {
      Path file = directory.resolve(name);
      if (Files.isRegularFile(file)) {
        Optional<CudaLibrary> library = load(name, Optional.of(file));
        if (library.isPresent()) {
          return library;
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<CudaLibrary> byName(String name) {
    return load(name, Optional.empty());
  }

  @SuppressWarnings("restricted")
  private static Optional<CudaLibrary> load(String name, Optional<Path> file) {
    try {
      SymbolLookup symbols =
          file.isPresent()
              ? SymbolLookup.libraryLookup(file.get(), Arena.global())
              : SymbolLookup.libraryLookup(name, Arena.global());
      return Optional.of(new CudaLibrary(name, file.or(() -> mapped(name)), symbols));
    } catch (IllegalArgumentException e) { // it does not load: not for this machine, or not there
      return Optional.empty();
    }
  }

  /**
   * Loads the files beside this library whose names begin so. For libraries that open others by
   * bare name, which the loader finds once they are loaded.
   */
  @SuppressWarnings("restricted")
  public void loadBeside(String prefix) {
    if (path.isEmpty()) {
      return;
    }
    for (Path file : matching(path.get().toAbsolutePath().getParent(), prefix + "*")) {
      SymbolLookup.libraryLookup(file, Arena.global());
    }
  }

  /** The file that a loaded library came from. */
  private static Optional<Path> mapped(String name) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines
          .map(line -> line.substring(Math.max(line.indexOf('/'), 0)))
          .filter(file -> file.substring(file.lastIndexOf('/') + 1).startsWith(name))
          .map(Path::of)
          .findFirst();
    } catch (IOException | UncheckedIOException e) { // only Linux has it, and only messages need it
      return Optional.empty();
    }
  }

  private static List<Path> listed() {
    return Stream.of(System.getProperty(DIRECTORIES, "").split(File.pathSeparator))
        .filter(directory -> !directory.isBlank())
        .map(Path::of)
        .toList();
  }

  private static List<Path> installed() {
    List<Path> directories = new ArrayList<>();
    for (Path toolkit : matching(Path.of("/usr/local"), "cuda*")) {
      directories.add(toolkit.resolve("lib64"));
      directories.add(toolkit.resolve("targets/x86_64-linux/lib"));
    }
    for (Path packages : pythonPackages()) {
      for (Path part : matching(packages.resolve("nvidia"), "*")) {
        directories.add(part.resolve("lib"));
      }
    }
    return directories;
  }

  private static List<Path> pythonPackages() {
    List<Path> prefixes = new ArrayList<>();
    for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
      String prefix = System.getenv(variable);
      if (prefix != null && !prefix.isBlank()) {
        prefixes.add(Path.of(prefix));
      }
    }
    prefixes.add(Path.of(System.getProperty("user.home"), ".local"));
    prefixes.add(Path.of("/usr/local"));
    prefixes.add(Path.of("/opt/conda"));
    prefixes.add(Path.of("/usr"));
    List<Path> packages = new ArrayList<>();
    for (Path prefix : prefixes) {
      for (Path python : matching(prefix.resolve("lib"), "python3*")) {
        packages.add(python.resolve("site-packages"));
        packages.add(python.resolve("dist-packages"));
      }
    }
    return packages;
  }

  /** The entries of a directory that match, the last name first: of versions, the newest. */
  private static List<Path> matching(Path directory, String glob) {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, glob)) {
      entries.forEach(found::add);
    } catch (IOException e) { // a directory that may not be read has nothing to offer
      return List.of();
    }
    found.sort((a, b) -> b.compareTo(a));
    return found;
  }
}
