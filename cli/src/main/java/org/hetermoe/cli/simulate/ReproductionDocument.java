package org.hetermoe.cli.simulate;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.hetermoe.cluster.NetworkSpec;
import org.hetermoe.simulate.Comparison;
import org.hetermoe.simulate.SystemKind;
import org.hetermoe.simulate.SystemResult;
import org.hetermoe.simulate.ZebraChart;

/** The document that compares the simulated evaluation with the paper's, and its charts. */
final class ReproductionDocument {
  private static final int MICRO_BATCHES = 4;

  private final List<PaperPoint> points;
  private final List<PaperFigure> figures;
  private final StringBuilder text = new StringBuilder();

  ReproductionDocument(List<PaperPoint> points, List<PaperFigure> figures) {
    this.points = points;
    this.figures = figures;
  }

  void write(Path folder) throws IOException {
    Path charts = Files.createDirectories(folder.resolve("reproduction"));
    Files.writeString(charts.resolve("zebra.svg"), zebra());
    text.append(resource("reproduction-head.md"));
    figures();
    text.append(resource("reproduction-notes.md"));
    for (PaperSetup setup : PaperSetup.ALL) {
      for (String model : setup.models()) {
        chapter(setup, model, charts);
      }
    }
    Files.writeString(folder.resolve("reproduction.md"), text.toString());
  }

  /** A step that is small enough to look at. */
  private static String zebra() {
    PaperSetup small =
        new PaperSetup("small", "A40", 2, "V100", 2, NetworkSpec.DEFAULT_GBPS, List.of());
    Comparison comparison =
        PaperPoint.comparison(small, "mixtral-d2", 8192, MICRO_BATCHES, 2 * MICRO_BATCHES);
    return switch (comparison.under(SystemKind.HETERMOE)) {
      case SystemResult.Trained trained ->
          ZebraChart.of(
              trained.timelines().getFirst(),
              "HeterMoE with Asym-EA: mixtral-d2 on 2 A40 and 2 V100, 8K, four micro-batches");
      case SystemResult.Infeasible infeasible ->
          throw new IllegalStateException(infeasible.reason());
    };
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = ReproductionDocument.class.getResourceAsStream(name)) {
      Objects.requireNonNull(in, name + " is not beside its reader");
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private void figures() {
    text.append("| figure | paper | ours | difference | aim | with `best` |\n");
    text.append("|---|---|---|---|---|---|\n");
    for (PaperFigure figure : figures) {
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %s | %s | %.0f %%%s | %s |%n",
              figure.what(),
              ReproduceCommand.number(Optional.of(figure.paper())),
              ReproduceCommand.number(figure.ours()),
              ReproduceCommand.percent(figure),
              100 * figure.tolerance(),
              figure.near() ? "" : ", missed",
              ReproduceCommand.number(figure.best())));
    }
    text.append('\n');
  }

  private void chapter(PaperSetup setup, String model, Path charts) throws IOException {
    List<PaperPoint> own = points.stream().filter(point -> point.is(setup.name(), model)).toList();
    String title = model + " on " + setup.name() + " (" + setup.cluster().replace(",", ", ") + ")";
    String file = setup.name().toLowerCase(Locale.ROOT) + "-" + model + ".svg";
    Files.writeString(charts.resolve(file), ThroughputChart.of(title, own));
    text.append("### ").append(title).append("\n\n");
    text.append("![").append(title).append("](reproduction/").append(file).append(")\n\n");
    text.append("Tokens a second, in thousands; - does not fit.\n\n| length | batch |");
    for (SystemKind kind : SystemKind.values()) {
      text.append(' ').append(kind.label()).append(" |");
    }
    text.append(" hetermoe, best |\n|---|---|");
    text.append("---|".repeat(SystemKind.values().length + 1)).append('\n');
    for (PaperPoint point : own) {
      text.append(
          String.format(Locale.ROOT, "| %dK | %d |", point.length() / 1024, point.sequences()));
      for (SystemKind kind : SystemKind.values()) {
        text.append(' ').append(thousands(point.tokensPerSecond(kind))).append(" |");
      }
      text.append(' ').append(thousands(point.bestTokensPerSecond())).append(" |\n");
    }
    text.append('\n');
  }

  private static String thousands(Optional<Double> tokens) {
    return tokens.map(value -> String.format(Locale.ROOT, "%.1f", value / 1000)).orElse("-");
  }
}
