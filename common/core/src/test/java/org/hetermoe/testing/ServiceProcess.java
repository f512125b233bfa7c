package org.hetermoe.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A packaged service of this build, started as people start it. */
public final class ServiceProcess implements AutoCloseable {
  private static final Path APPLICATION = Path.of("target", "quarkus-app", "quarkus-run.jar");
  private static final long POLL_MILLIS = 50;

  private final Process process;
  private final Path log;
  private final int port;

  private ServiceProcess(Process process, Path log, int port) {
    this.process = process;
    this.log = log;
    this.port = port;
  }

  /**
   * Starts the service of the module whose tests run; a free port of loopback is its HTTP port.
   *
   * @param directory its working directory, in which it may leave what it likes
   * @param properties {@code key=value}
   */
  public static ServiceProcess start(Path directory, String... properties) throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx512m",
                "-XX:+ExitOnOutOfMemoryError",
                "-Dquarkus.http.port=" + port));
    for (String property : properties) {
      command.add("-D" + property);
    }
    command.addAll(List.of("-jar", APPLICATION.toAbsolutePath().toString()));
    Path log = Files.createTempFile(directory, "service", ".log");
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    return new ServiceProcess(process, log, port);
  }

  /** Its address. */
  public String url() {
    return "http://127.0.0.1:" + port;
  }

  /**
   * Waits until it is ready.
   *
   * @throws AssertionError if it ends before, or the time is up; with what it has said
   */
  public void awaitReady(Duration timeout) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + timeout.toNanos();
    while (!ready()) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        throw new AssertionError("the service does not become ready:\n" + output());
      }
      Thread.sleep(POLL_MILLIS);
    }
  }

  /** Tells it to end, as an operator or an orchestrator does; returns at once. */
  public void terminate() {
    process.destroy();
  }

  /**
   * Waits until it has ended.
   *
   * @return its exit code
   * @throws AssertionError if the time is up before
   */
  public int awaitExit(Duration timeout) throws InterruptedException {
    if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new AssertionError("the service does not end:\n" + output());
    }
    return process.exitValue();
  }

  /** All that it has said. */
  public String output() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean ready() throws IOException {
    HttpURLConnection connection =
        (HttpURLConnection) URI.create(url() + "/q/health/ready").toURL().openConnection();
    connection.setConnectTimeout(1_000);
    connection.setReadTimeout(1_000);
    try {
      return connection.getResponseCode() == 200;
    } catch (ConnectException | SocketTimeoutException e) {
      return false; // it does not listen yet
    } finally {
      connection.disconnect();
    }
  }
}
