package org.hetermoe.compute.cuda.driver;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jcuda.JCudaVersion;
import jcuda.driver.JCudaDriver;
import org.hetermoe.compute.ComputeUnavailableException;

/**
 * The native half of JCuda, loaded from a directory that this process alone has.
 *
 * <p>JCuda itself would unpack it to a fixed name in {@code java.io.tmpdir}: two processes that
 * start together load half a file, whoever can write there chooses what is loaded, and a file
 * system that allows no execution ends it. So a private directory gets the file first, and JCuda,
 * which looks {@code java.io.tmpdir} up whenever it loads, finds it there.
 */
final class JCudaLibrary {
  private static final String TEMPORARY = "java.io.tmpdir";

  private JCudaLibrary() {}

  /**
   * Loads it. The caller sees to it that this happens once.
   *
   * @throws ComputeUnavailableException if it does not load from any directory
   */
  static void load() {
    String file = "libJCudaDriver-" + JCudaVersion.get() + "-linux-x86_64.so";
    List<String> failures = new ArrayList<>();
    for (Path parent : parents()) {
      try {
        Files.createDirectories(parent);
        load(parent, file);
        return;
      } catch (IOException | UnsatisfiedLinkError e) {
        failures.add(parent + ": " + e.getMessage());
      }
    }
    throw new ComputeUnavailableException(
        "JCuda's native library does not load (" + String.join("; ", failures) + ")");
  }

  private static List<Path> parents() {
    return List.of(
        Path.of(System.getProperty(TEMPORARY)),
        Path.of(System.getProperty("user.home"), ".cache", "hetermoe"));
  }

  @SuppressWarnings("restricted") // the product is started with --enable-native-access
  private static void load(Path parent, String file) throws IOException {
    Path directory = Files.createTempDirectory(parent, "hetermoe-jcuda-");
    Path library = directory.resolve(file);
    try {
      try (InputStream packed = JCudaDriver.class.getResourceAsStream("/lib/" + file)) {
        if (packed == null) {
          throw new FileNotFoundException(file + " is not on the class path");
        }
        Files.copy(packed, library);
      }
      // Ours first: where it fails the next directory can be tried; JCuda's class has one attempt.
      System.load(library.toString());
      String before = System.getProperty(TEMPORARY);
      System.setProperty(TEMPORARY, directory.toString());
      try {
        JCudaDriver.setExceptionsEnabled(false);
      } finally {
        System.setProperty(TEMPORARY, before);
      }
    } finally {
      // What is loaded stays mapped; nothing is left behind, however the process ends.
      Files.deleteIfExists(library);
      Files.deleteIfExists(directory);
    }
  }
}
