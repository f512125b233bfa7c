package org.hetermoe.benchmark.channel;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * Measures transports between this process and a second one that it starts, in turn, and prints the
 * medians (and the best) of several rounds as a table. Arguments: number of rounds, then the
 * contenders.
 */
public final class ChannelBenchmark {
  private static final int ECHO = 1;
  private static final int SWALLOW = 2;
  private static final int ANSWER = 3;
  private static final int STOP = 4;

  private static final int ROUND_TRIP_BYTES = 256 << 10;
  private static final int ANSWER_BYTES = 64;
  private static final int WARM_UP = 1000;
  private static final int ROUND_TRIPS = 2000;
  private static final long ONE_WAY_BYTES = 2L << 30;

  private ChannelBenchmark() {}

  /** The process that measures. */
  public static void main(String[] arguments) throws Exception {
    int rounds = Integer.parseInt(arguments[0]);
    List<String> contenders = List.of(arguments).subList(1, arguments.length);
    Map<String, List<Result>> results = new LinkedHashMap<>();
    for (int round = 0; round < rounds; round++) {
      for (String contender : contenders) {
        Result result = measure(contender);
        System.err.println(contender + " " + result);
        results.computeIfAbsent(contender, c -> new ArrayList<>()).add(result);
      }
    }
    System.out.println(
        "| transport | 256 KiB round trip, median, ms | p99, ms | 1 MiB one way, GB/s | 4 MiB one"
            + " way, GB/s |");
    System.out.println("|---|---|---|---|---|");
    results.forEach(
        (contender, all) ->
            System.out.printf(
                "| %s | %s | %s | %s | %s |%n",
                contender,
                cell("%.3f (%.3f)", all, Result::medianMillis, false),
                cell("%.3f (%.3f)", all, Result::p99Millis, false),
                cell("%.2f (%.2f)", all, Result::oneMebibyte, true),
                cell("%.2f (%.2f)", all, Result::fourMebibytes, true)));
  }

  /** The median over the rounds, and the best of them: other work only ever makes them worse. */
  private static String cell(
      String format, List<Result> all, ToDoubleFunction<Result> figure, boolean moreIsBetter) {
    double[] sorted = all.stream().mapToDouble(figure).sorted().toArray();
    return format.formatted(
        sorted[sorted.length / 2], moreIsBetter ? sorted[sorted.length - 1] : sorted[0]);
  }

  private static Result measure(String contender) throws Exception {
    int port = freePort();
    int otherPort = freePort();
    Process process = startOther(contender, otherPort, port);
    try (Link link = Link.open(contender, true, port, otherPort)) {
      long[] nanos = roundTrips(link);
      Result result =
          new Result(
              nanos[nanos.length / 2] / 1e6,
              nanos[nanos.length * 99 / 100] / 1e6,
              oneWay(link, 1 << 20),
              oneWay(link, 4 << 20));
      link.send(STOP, ANSWER_BYTES);
      process.waitFor();
      return result;
    } finally {
      process.destroyForcibly();
    }
  }

  private static long[] roundTrips(Link link) throws Exception {
    long[] nanos = new long[ROUND_TRIPS];
    for (int i = -WARM_UP; i < ROUND_TRIPS; i++) {
      long begin = System.nanoTime();
      link.send(ECHO, ROUND_TRIP_BYTES);
      link.receive();
      if (i >= 0) {
        nanos[i] = System.nanoTime() - begin;
      }
    }
    Arrays.sort(nanos);
    return nanos;
  }

  private static double oneWay(Link link, int bytes) throws Exception {
    stream(link, bytes, ONE_WAY_BYTES / 4);
    long begin = System.nanoTime();
    stream(link, bytes, ONE_WAY_BYTES);
    return ONE_WAY_BYTES / (double) (System.nanoTime() - begin);
  }

  private static void stream(Link link, int bytes, long total) throws Exception {
    long count = total / bytes;
    for (long i = 1; i <= count; i++) {
      link.send(i < count ? SWALLOW : ANSWER, bytes);
    }
    link.receive();
  }

  private static Process startOther(String contender, int ownPort, int otherPort)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            Other.class.getName(),
            contender,
            String.valueOf(ownPort),
            String.valueOf(otherPort)));
    return new ProcessBuilder(command).inheritIO().start();
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private record Result(
      double medianMillis, double p99Millis, double oneMebibyte, double fourMebibytes) {}

  /** The process at the other end. */
  static final class Other {
    private Other() {}

    public static void main(String[] arguments) throws Exception {
      int ownPort = Integer.parseInt(arguments[1]);
      int otherPort = Integer.parseInt(arguments[2]);
      try (Link link = connect(arguments[0], ownPort, otherPort)) {
        int kind = link.receive();
        while (kind != STOP) {
          if (kind == ECHO) {
            link.send(ECHO, ROUND_TRIP_BYTES);
          } else if (kind == ANSWER) {
            link.send(ANSWER, ANSWER_BYTES);
          }
          kind = link.receive();
        }
      }
    }

    private static Link connect(String contender, int ownPort, int otherPort) throws Exception {
      for (int attempt = 1; ; attempt++) {
        try {
          return Link.open(contender, false, ownPort, otherPort);
        } catch (IOException e) {
          // The other end may not listen yet.
          if (attempt == 100) {
            throw e;
          }
          Thread.sleep(50);
        }
      }
    }
  }
}
