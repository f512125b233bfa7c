package org.hetermoe.worker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The processor of this machine. */
final class HostProcessor {
  private static final Path LINUX = Path.of("/proc/cpuinfo");

  private HostProcessor() {}

  /** Its model; where the system does not tell, its architecture and number of processors. */
  static String name() {
    try (Stream<String> lines = Files.lines(LINUX)) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElseGet(HostProcessor::architecture);
    } catch (IOException e) {
      return architecture(); // not Linux
    }
  }

  private static String architecture() {
    return System.getProperty("os.arch")
        + " with "
        + Runtime.getRuntime().availableProcessors()
        + " processors";
  }
}
