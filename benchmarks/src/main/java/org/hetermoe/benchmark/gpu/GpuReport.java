package org.hetermoe.benchmark.gpu;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.hetermoe.run.Json;

/**
 * Puts what was measured into one table: {@code GpuReport FOLDER}. Reads {@code ours-*.jsonl} and
 * {@code pytorch-*.jsonl} of that folder, takes the median of each line over the files, and sets
 * PyTorch's beside ours.
 */
public final class GpuReport {
  private record Line(String group, String name) implements Comparable<Line> {
    @Override
    public int compareTo(Line other) {
      int byGroup = group.compareTo(other.group);
      return byGroup == 0 ? name.compareTo(other.name) : byGroup;
    }
  }

  private record Rates(String type, String unit, List<Double> values) {
    double median() {
      return values.stream().sorted().toList().get(values.size() / 2);
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
    Map<Line, Rates> ours = read(folder, "ours-");
    Map<Line, Rates> theirs = read(folder, "pytorch-");
    double copy = rate(ours, "memory", "copy");
    double product = rate(ours, "product", "large square");
    System.out.printf(
        "%-10s %-32s %-5s %14s %14s  %s%n", "", "", "type", "HeterMoE", "PyTorch", "ratio");
    ours.forEach(
        (line, rates) -> {
          Rates peer = theirs.get(line);
          String compared =
              switch (line.group) {
                case "memory" -> share(rates.median(), copy, "of a copy");
                case "product" -> share(rates.median(), product, "of a large product");
                default -> "";
              };
          System.out.printf(
              "%-10s %-32s %-5s %14s %14s  %s%n",
              line.group,
              line.name,
              rates.type,
              "%.1f %s".formatted(rates.median(), rates.unit),
              peer == null ? "-" : "%.1f".formatted(peer.median()),
              peer == null ? compared : "%.2fx".formatted(rates.median() / peer.median()));
        });
  }

  private static String share(double rate, double of, String what) {
    return of > 0 ? "%.0f %% %s".formatted(100 * rate / of, what) : "";
  }

  private static double rate(Map<Line, Rates> rates, String group, String name) {
    Rates found = rates.get(new Line(group, name));
    return found == null ? 0 : found.median();
  }

  private static Map<Line, Rates> read(Path folder, String prefix) throws IOException {
    Map<Line, Rates> rates = new TreeMap<>();
    try (var files = Files.newDirectoryStream(folder, prefix + "*.jsonl")) {
      for (Path file : files) {
        for (String text : Files.readAllLines(file)) {
          JsonNode node = Json.MAPPER.readTree(text);
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
    return rates;
  }
}
