package org.hetermoe.simulate;

import java.util.List;
import java.util.Locale;
import org.hetermoe.schedule.Task.Direction;

/**
 * A simulated step as a picture (SVG): a row for each stream of each device, a box for each task
 * with the number of its micro-batch, a legend and a time axis.
 */
public final class ZebraChart {
  private static final int LEFT = 190;
  private static final int RIGHT = 20;
  private static final int TOP = 64;
  private static final int WIDTH = 1600;
  private static final int COMPUTE_HEIGHT = 22;
  private static final int TRAFFIC_HEIGHT = 10;
  private static final int GAP = 10;
  private static final int AXIS_HEIGHT = 34;
  private static final int TICKS = 10;
  private static final double NARROWEST_BOX = 0.15;
  private static final double NARROWEST_NUMBER = 11;
  private static final double MILLI = 1e3;

  private record Colour(String name, Label.Kind kind, Direction direction, String fill) {}

  private static final List<Colour> COLOURS =
      List.of(
          new Colour("attention forward", Label.Kind.ATTENTION, Direction.FORWARD, "#7fb3e6"),
          new Colour("attention backward", Label.Kind.ATTENTION, Direction.BACKWARD, "#2f6fb0"),
          new Colour("experts forward", Label.Kind.EXPERTS, Direction.FORWARD, "#f6c177"),
          new Colour("experts backward", Label.Kind.EXPERTS, Direction.BACKWARD, "#c9761a"),
          new Colour("head forward", Label.Kind.HEAD, Direction.FORWARD, "#a5d6a0"),
          new Colour("head backward", Label.Kind.HEAD, Direction.BACKWARD, "#4f9a48"),
          new Colour("dispatch", Label.Kind.DISPATCH, Direction.FORWARD, "#b79ad6"),
          new Colour("dispatch backward", Label.Kind.DISPATCH, Direction.BACKWARD, "#7d57a8"),
          new Colour("combine", Label.Kind.COMBINE, Direction.FORWARD, "#8fd0c8"),
          new Colour("combine backward", Label.Kind.COMBINE, Direction.BACKWARD, "#3d958b"),
          new Colour("reduce", Label.Kind.REDUCE, Direction.FORWARD, "#b0b0b0"),
          new Colour("optimizer", Label.Kind.OPTIMIZER, Direction.FORWARD, "#707070"));

  private static final String OTHER = "#d0d0d0";

  private final StepTimeline timeline;
  private final StringBuilder svg = new StringBuilder();

  private ZebraChart(StepTimeline timeline) {
    this.timeline = timeline;
  }

  /** The picture, an SVG document. */
  public static String of(StepTimeline timeline, String title) {
    ZebraChart chart = new ZebraChart(timeline);
    chart.draw(title);
    return chart.svg.toString();
  }

  private void draw(String title) {
    int rowHeight = COMPUTE_HEIGHT + 2 * TRAFFIC_HEIGHT + GAP;
    int bottom = TOP + timeline.rows().size() * rowHeight;
    svg.append(
        String.format(
            Locale.ROOT,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                + "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"11\">\n",
            WIDTH,
            bottom + AXIS_HEIGHT,
            WIDTH,
            bottom + AXIS_HEIGHT));
    svg.append(
        String.format(Locale.ROOT, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"));
    svg.append(
        String.format(
            Locale.ROOT, "<text x=\"10\" y=\"20\" font-size=\"15\">%s</text>\n", escaped(title)));
    legend();
    axis(bottom);
    for (int row = 0; row < timeline.rows().size(); row++) {
      device(row, TOP + row * rowHeight);
    }
    for (Span span : timeline.spans()) {
      box(span, TOP + span.row() * rowHeight);
    }
    svg.append(String.format(Locale.ROOT, "</svg>\n"));
  }

  private void legend() {
    int x = 10;
    for (Colour colour : COLOURS) {
      svg.append(
          String.format(
              Locale.ROOT,
              "<rect x=\"%d\" y=\"32\" width=\"12\" height=\"12\" fill=\"%s\"/>"
                  + "<text x=\"%d\" y=\"42\">%s</text>\n",
              x,
              colour.fill(),
              x + 16,
              colour.name()));
      x += 26 + colour.name().length() * 6;
    }
  }

  private void axis(int bottom) {
    double step = tick();
    for (double time = 0; time <= timeline.stepSeconds(); time += step) {
      svg.append(
          String.format(
              Locale.ROOT,
              "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#e4e4e4\"/>"
                  + "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
              x(time),
              TOP - 6,
              x(time),
              bottom,
              x(time),
              bottom + 14,
              milliseconds(time)));
    }
    svg.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">milliseconds</text>\n",
            WIDTH - RIGHT,
            bottom + 28));
  }

  /** A round number of seconds of which about ten make the step. */
  private double tick() {
    double rough = timeline.stepSeconds() / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    for (int factor : new int[] {1, 2, 5}) {
      if (factor * power >= rough) {
        return factor * power;
      }
    }
    return 10 * power;
  }

  private static String milliseconds(double seconds) {
    double value = seconds * MILLI;
    return value >= 10 || value == 0
        ? String.format(Locale.ROOT, "%.0f", value)
        : String.format(Locale.ROOT, "%.2f", value);
  }

  private void device(int row, int y) {
    StepTimeline.Row device = timeline.rows().get(row);
    String count = device.count() == 1 ? "" : " ×" + device.count();
    svg.append(
        String.format(
            Locale.ROOT,
            "<text x=\"10\" y=\"%d\" font-weight=\"bold\">%s</text>"
                + "<text x=\"10\" y=\"%d\" fill=\"#666\">%s</text>\n",
            y + 12,
            escaped(device.name() + count),
            y + 26,
            escaped(
                device.device()
                    + String.format(
                        Locale.ROOT, ", %.0f %% busy", 100 * timeline.utilization(row).busy()))));
    lane("compute", y, COMPUTE_HEIGHT);
    lane("dispatch", y + COMPUTE_HEIGHT, TRAFFIC_HEIGHT);
    lane("combine", y + COMPUTE_HEIGHT + TRAFFIC_HEIGHT, TRAFFIC_HEIGHT);
  }

  private void lane(String name, int y, int height) {
    svg.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" font-size=\"8\" fill=\"#888\">%s</text>"
                + "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#f7f7f7\"/>\n",
            LEFT - 4,
            y + height / 2.0 + 3,
            name,
            LEFT,
            y,
            WIDTH - LEFT - RIGHT,
            height - 1));
  }

  private void box(Span span, int rowY) {
    int y =
        switch (span.stream()) {
          case COMPUTE -> rowY;
          case DISPATCH -> rowY + COMPUTE_HEIGHT;
          case COMBINE -> rowY + COMPUTE_HEIGHT + TRAFFIC_HEIGHT;
        };
    boolean computes = span.stream() == Span.Stream.COMPUTE;
    int height = computes ? COMPUTE_HEIGHT : TRAFFIC_HEIGHT;
    double width = x(span.end()) - x(span.start());
    if (width < NARROWEST_BOX) {
      return;
    }
    svg.append(
        String.format(
            Locale.ROOT,
            "<rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\" stroke=\"white\" "
                + "stroke-width=\"0.4\"><title>%s %s to %s ms</title></rect>",
            x(span.start()),
            y,
            width,
            height - 1,
            fill(span.label()),
            span.label(),
            milliseconds(span.start()),
            milliseconds(span.end())));
    if (computes && width >= NARROWEST_NUMBER && isTask(span.label())) {
      svg.append(
          String.format(
              Locale.ROOT,
              "<text x=\"%.2f\" y=\"%d\" text-anchor=\"middle\">%d</text>",
              x(span.start()) + width / 2,
              y + 15,
              span.label().microBatch()));
    }
    svg.append(String.format(Locale.ROOT, "\n"));
  }

  private static boolean isTask(Label label) {
    return label.kind() != Label.Kind.REDUCE && label.kind() != Label.Kind.OPTIMIZER;
  }

  private static String fill(Label label) {
    for (Colour colour : COLOURS) {
      if (colour.kind() == label.kind() && colour.direction() == label.direction()) {
        return colour.fill();
      }
    }
    return OTHER;
  }

  private double x(double seconds) {
    return LEFT + seconds / timeline.stepSeconds() * (WIDTH - LEFT - RIGHT);
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
