package org.hetermoe.benchmark.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.hetermoe.run.Json;

/**
 * Puts what was measured into one table: {@code GpuReport FOLDER}. Reads {@code ours-*.jsonl} and
 * {@code pytorch-*.jsonl} of that folder, takes the median of each line over the files, and sets
 * PyTorch's beside ours. Every row of what ran on an emulated device begins with {@value
 * #EMULATED}. Exit code 1 if there is nothing to put into it.
 */
public final class GpuReport {
  private static final String EMULATED = "EMULATED";

  /** How the emulator's devices are called. */
  private static final String EMULATED_DEVICE = "Emulated GPU";

  private record Line(String group, String name) {}

  private record Rates(String type, String unit, List<Double> values) {
    double median() {
      double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
      return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }
  }

  /**
   * The files of one side.
   *
   * @param rates what they measured
   * @param devices on what
   */
  private record Side(Map<Line, Rates> rates, Set<String> devices) {
    double rate(String group, String name) {
      Rates found = rates.get(new Line(group, name));
      return found == null ? 0 : found.median();
    }

    boolean emulated() {
      return devices.stream().anyMatch(device -> device.contains(EMULATED_DEVICE));
    }
  }

  private GpuReport() {}

  /** Prints the table; see the class. */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 1) {
      System.err.println("usage: GpuReport FOLDER");
      System.exit(2);
    }
    Path folder = Path.of(arguments[0]);
    Side ours = read(folder, "ours-");
    Side theirs = read(folder, "pytorch-");
    if (ours.rates.isEmpty()) {
      System.err.println("GpuReport: nothing of ours was measured in " + folder);
      System.exit(1);
    }
    print(ours, theirs, ours.emulated() || Files.exists(folder.resolve(EMULATED)));
  }

  private static void print(Side ours, Side theirs, boolean emulated) {
    String mark = emulated ? EMULATED + " " : "";
    ours.devices.forEach(device -> System.out.println(mark + "HeterMoE on " + device));
    theirs.devices.forEach(device -> System.out.println(mark + "PyTorch on " + device));
    System.out.printf(
        "%s%-10s %-32s %-5s %16s %12s  %s%n", mark, "", "", "type", "HeterMoE", "PyTorch", "");
    ours.rates.forEach(
        (line, rates) -> {
          Rates peer = theirs.rates.get(line);
          System.out.printf(
              "%s%-10s %-32s %-5s %16s %12s  %s%n",
              mark,
              line.group,
              line.name,
              rates.type,
              figure(rates.median()) + " " + rates.unit,
              peer == null ? "-" : figure(peer.median()),
              // Ratios of what no GPU did would be read as a GPU's.
              emulated ? "not compared" : compared(line, rates, peer, ours));
        });
  }

  private static String compared(Line line, Rates rates, Rates peer, Side ours) {
    if (peer != null) {
      return "%.2fx PyTorch".formatted(rates.median() / peer.median());
    }
    return switch (line.group) {
      case "memory" -> share(rates.median(), ours.rate("memory", "copy"), "of a copy");
      case "product" ->
          share(rates.median(), ours.rate("product", "large square"), "of a large product");
      default -> "";
    };
  }

  private static String figure(double rate) {
    return rate >= 0.1 ? "%.1f".formatted(rate) : "%.1e".formatted(rate);
  }

  private static String share(double rate, double of, String what) {
    return of > 0 ? "%.0f %% %s".formatted(100 * rate / of, what) : "";
  }

  private static Side read(Path folder, String prefix) throws IOException {
    Map<Line, Rates> rates = new LinkedHashMap<>();
    Set<String> devices = new TreeSet<>();
    try (Stream<Path> files = Files.list(folder).sorted()) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        if (!name.startsWith(prefix) || !name.endsWith(".jsonl")) {
          continue;
        }
        for (String text : Files.readAllLines(file)) {
          JsonNode node = Json.MAPPER.readTree(text);
          devices.add(node.path("device").asText());
          rates
              .computeIfAbsent(
                  new Line(node.path("group").asText(), node.path("name").asText()),
                  _ ->
                      new Rates(
                          node.path("type").asText(),
                          node.path("unit").asText(),
                          new ArrayList<>()))
              .values()
              .add(node.path("rate").asDouble());
        }
      }
    }
    return new Side(rates, devices);
  }
}
