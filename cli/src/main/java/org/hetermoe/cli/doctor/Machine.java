package org.hetermoe.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.hetermoe.profile.DeviceMemory;

/** Processor, memory and Java. */
final class Machine {
  private static final String SECTION = "machine";
  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");

  /** What decides which of oneDNN's and our own kernels are used. */
  private static final List<String> VECTORS =
      List.of("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16");

  private static final int JAVA = 25;
  private static final long LEAST_MEMORY = 4L << 30;

  private Machine() {}

  static List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    String system = System.getProperty("os.name") + " " + System.getProperty("os.version");
    String architecture = System.getProperty("os.arch");
    findings.add(
        system.startsWith("Linux") && architecture.equals("amd64")
            ? Finding.ok(SECTION, "system", system + ", x86-64")
            : Finding.bad(
                SECTION,
                "system",
                system + ", " + architecture,
                "use Linux on x86-64, for which the native libraries are there"));
    String info = cpuInfo();
    findings.add(
        Finding.ok(
            SECTION,
            "processor",
            "%s, %d processors for us"
                .formatted(entry(info, "model name"), Runtime.getRuntime().availableProcessors())));
    findings.add(vectors(info));
    findings.add(memory());
    int feature = Runtime.version().feature();
    String java =
        "%s, %s, %s"
            .formatted(
                Runtime.version(),
                System.getProperty("java.vendor"),
                System.getProperty("java.home"));
    findings.add(
        feature == JAVA
            ? Finding.ok(SECTION, "java", java)
            : Finding.bad(SECTION, "java", java, "set JAVA_HOME to a JDK " + JAVA));
    return findings;
  }

  private static Finding vectors(String info) {
    Set<String> flags = new TreeSet<>(List.of(entry(info, "flags").split(" ")));
    List<String> found = VECTORS.stream().filter(flags::contains).toList();
    return found.isEmpty()
        ? Finding.absent(SECTION, "vectors", "no AVX2", "the cpu device works without, and is slow")
        : Finding.ok(SECTION, "vectors", String.join(" ", found));
  }

  private static Finding memory() {
    long bytes = DeviceMemory.bytes();
    String value = String.format(Locale.ROOT, "%.1f GiB", (double) bytes / (1L << 30));
    return bytes >= LEAST_MEMORY
        ? Finding.ok(SECTION, "memory", value)
        : Finding.bad(
            SECTION,
            "memory",
            value,
            "PostgreSQL, Kafka and three services want 4 GiB; give this machine or container more");
  }

  private static String cpuInfo() {
    try {
      return Files.readString(CPU_INFO);
    } catch (IOException e) {
      return ""; // no Linux: said above
    }
  }

  /** The first value of that name. */
  private static String entry(String info, String name) {
    Matcher matcher = Pattern.compile("^" + name + "\\s*: (.*)$", Pattern.MULTILINE).matcher(info);
    return matcher.find() ? matcher.group(1).strip() : "unknown";
  }
}
