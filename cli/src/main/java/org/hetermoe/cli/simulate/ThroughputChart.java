package org.hetermoe.cli.simulate;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.hetermoe.simulate.SystemKind;

/** Tokens per second over the sequence length, a line a system (SVG). */
final class ThroughputChart {
  private static final int WIDTH = 640;
  private static final int HEIGHT = 380;
  private static final int LEFT = 70;
  private static final int RIGHT = 170;
  private static final int TOP = 40;
  private static final int BOTTOM = 40;
  private static final int GRID = 5;
  private static final List<String> COLOURS =
      List.of("#c9761a", "#f0b060", "#2f6fb0", "#8fb8de", "#7d57a8", "#4f9a48");
  private static final String BEST_COLOUR = "#a02020";

  private final List<PaperPoint> points;
  private final double most;
  private final StringBuilder svg = new StringBuilder();

  private ThroughputChart(List<PaperPoint> points) {
    this.points = points;
    most =
        roundUp(
            points.stream()
                .flatMap(point -> point.bestTokensPerSecond().stream())
                .mapToDouble(Double::doubleValue)
                .max()
                .orElse(1));
  }

  /** The picture of one model on one set-up. */
  static String of(String title, List<PaperPoint> points) {
    ThroughputChart chart = new ThroughputChart(points);
    chart.draw(title);
    return chart.svg.toString();
  }

  @SuppressWarnings("EnumOrdinal") // the order of the legend
  private void draw(String title) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                + "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"11\">\n",
            WIDTH,
            HEIGHT,
            WIDTH,
            HEIGHT));
    svg.append(
        String.format(Locale.ROOT, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"));
    svg.append(
        String.format(
            Locale.ROOT, "<text x=\"%d\" y=\"22\" font-size=\"14\">%s</text>\n", LEFT, title));
    for (int line = 0; line <= GRID; line++) {
      double value = most * line / GRID;
      svg.append(
          String.format(
              Locale.ROOT,
              "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#e4e4e4\"/>"
                  + "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%,.0fk</text>\n",
              LEFT,
              y(value),
              WIDTH - RIGHT,
              y(value),
              LEFT - 6,
              y(value) + 4,
              value / 1000));
    }
    for (PaperPoint point : points) {
      svg.append(
          String.format(
              Locale.ROOT,
              "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%dK</text>\n",
              x(point.length()),
              HEIGHT - BOTTOM + 16,
              point.length() / 1024));
    }
    svg.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%d\" y=\"%d\">tokens a second over sequence length</text>\n",
            LEFT,
            HEIGHT - 8));
    line(0, "hetermoe, best planner", BEST_COLOUR, null);
    for (SystemKind kind : SystemKind.values()) {
      line(kind.ordinal() + 1, kind.label(), COLOURS.get(kind.ordinal()), kind);
    }
    svg.append(String.format(Locale.ROOT, "</svg>\n"));
  }

  @SuppressWarnings("EnumOrdinal")
  private void line(int place, String name, String colour, SystemKind kind) {
    StringBuilder path = new StringBuilder();
    for (PaperPoint point : points) {
      Optional<Double> value =
          kind == null ? point.bestTokensPerSecond() : point.tokensPerSecond(kind);
      value.ifPresent(
          tokens ->
              path.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(point.length()), y(tokens))));
    }
    svg.append(
        String.format(
            Locale.ROOT,
            "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s points=\"%s\"/>\n",
            colour,
            kind == null ? " stroke-dasharray=\"5 3\"" : "",
            path.toString().strip()));
    int y = TOP + 14 + place * 18;
    svg.append(
        String.format(
            Locale.ROOT,
            "<rect x=\"%d\" y=\"%d\" width=\"14\" height=\"4\" fill=\"%s\"/>"
                + "<text x=\"%d\" y=\"%d\">%s</text>\n",
            WIDTH - RIGHT + 14,
            y - 6,
            colour,
            WIDTH - RIGHT + 34,
            y,
            name));
  }

  /** The next value that the grid cuts into round parts. */
  private static double roundUp(double value) {
    double step = Math.pow(10, Math.floor(Math.log10(value)) - 1) * GRID;
    return Math.ceil(value / step) * step;
  }

  private double x(int length) {
    int longest = PaperSetup.LENGTHS.getLast();
    return LEFT + (double) length / longest * (WIDTH - LEFT - RIGHT);
  }

  private double y(double value) {
    return HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM);
  }
}
