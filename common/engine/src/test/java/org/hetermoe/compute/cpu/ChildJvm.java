package org.hetermoe.compute.cpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A JVM that may die: runs a main class of the tests and tells how that ended. */
final class ChildJvm {
  private final Path folder;

  /**
   * Children that leave their files in {@code folder}.
   *
   * @param folder an empty folder
   */
  ChildJvm(Path folder) {
    this.folder = folder;
  }

  /**
   * Runs a main class to its end, where oneDNN may use instructions up to {@code isa}: a value of
   * ONEDNN_MAX_CPU_ISA.
   */
  Ending run(String isa, List<String> options, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:ErrorFile=" + folder.resolve("crash.txt"),
            "-Xlog:disable"));
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    Path errors = folder.resolve("errors.txt");
    ProcessBuilder builder =
        new ProcessBuilder(command).directory(folder.toFile()).redirectError(errors.toFile());
    builder.environment().put("ONEDNN_MAX_CPU_ISA", isa);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ending(process.waitFor(), output.lines().toList(), Files.readString(errors));
  }

  /** How a child ended: its exit status, and what it wrote to its two outputs. */
  record Ending(int status, List<String> lines, String errors) {}
}
