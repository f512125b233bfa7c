package org.hetermoe.deployment;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Programs of the machine that a test asks. */
final class Command {
  private Command() {}

  /** How a program ended and what it said. */
  record Result(int status, String output, String errors) {}

  /** Whether a program can be run here and says that it is well. */
  static boolean isThere(String... command) {
    try {
      return run(command).status() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  static Result run(String... command) throws IOException, InterruptedException {
    return run(Map.of(), List.of(command));
  }

  /** Runs a program in the root of the repository, to its end. */
  static Result run(Map<String, String> environment, List<String> command)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(Repository.HOME.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    CompletableFuture<String> errors =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(process.waitFor(), output, errors.join());
  }
}
