package org.hetermoe.cli.stack;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Where HeterMoE's built modules lie, and with which Java they run.
 *
 * @param home root of the repository
 */
public record Installation(Path home) {
  /** What the arithmetic and the native libraries need of a JVM. */
  private static final List<String> JVM_FLAGS =
      List.of(
          "--add-modules=jdk.incubator.vector",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow",
          "-XX:+UseCompactObjectHeaders",
          // A process that has run out of memory half works at best.
          "-XX:+ExitOnOutOfMemoryError");

  public Installation {
    home = home.toAbsolutePath().normalize();
  }

  /** The installation that the launcher script named. */
  public static Installation current() {
    String home = System.getProperty("hetermoe.home");
    if (home == null) {
      throw new StackException("hetermoe.home is not set: start with the hetermoe script");
    }
    return new Installation(Path.of(home));
  }

  /** Command that runs a main class of this module with a small heap. */
  List<String> hostCommand(Class<?> main, String heap, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(java());
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-XX:+UseCompactObjectHeaders",
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:TieredStopAtLevel=1",
            "-Xmx" + heap,
            "-Djava.util.logging.SimpleFormatter.format=%1$tFT%1$tT.%1$tL %4$s [%3$s] %5$s%6$s%n",
            "-cp",
            classPath(),
            main.getName()));
    command.addAll(arguments);
    return command;
  }

  /** Command that runs this command line again, in a JVM that computes. */
  public List<String> computingCommand(Class<?> main, List<String> arguments) {
    List<String> command = new ArrayList<>();
    command.add(java());
    command.addAll(JVM_FLAGS);
    command.addAll(List.of("-Dhetermoe.home=" + home, "-cp", classPath(), main.getName()));
    command.addAll(arguments);
    return command;
  }

  /** Command that runs a service. */
  List<String> serviceCommand(String module, String heap, List<String> jvmOptions) {
    List<String> command = new ArrayList<>();
    command.add(java());
    command.addAll(JVM_FLAGS);
    command.add("-Xmx" + heap);
    command.addAll(jvmOptions);
    command.add("-jar");
    command.add(serviceJar(module).toString());
    return command;
  }

  /**
   * Which build of a service is installed.
   *
   * @throws StackException if it is not built
   */
  String build(String module) {
    Path jar = serviceJar(module);
    try {
      return Files.getLastModifiedTime(jar).toInstant().toString();
    } catch (IOException e) {
      throw new StackException(module + " is not built: " + jar + " is missing", e);
    }
  }

  private Path serviceJar(String module) {
    return home.resolve(module).resolve("target/quarkus-app/quarkus-run.jar");
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  /** The class path of this JVM, absolute, since children work in another directory. */
  private static String classPath() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .map(entry -> Path.of(entry).toAbsolutePath().toString())
        .collect(Collectors.joining(File.pathSeparator));
  }
}
