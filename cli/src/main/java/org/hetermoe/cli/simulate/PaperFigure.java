package org.hetermoe.cli.simulate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import org.hetermoe.simulate.SystemKind;

/**
 * A figure that the paper gives.
 *
 * @param what it is
 * @param paper its value there
 * @param tolerance relative difference that we aim for
 * @param ours what we simulate with the paper's planner; empty if nothing fits
 * @param best the same with our planner; empty where no planner matters
 */
record PaperFigure(
    String what, double paper, double tolerance, Optional<Double> ours, Optional<Double> best) {
  private static final double AVERAGE = 0.10;
  private static final double EXTREME = 0.15;

  Optional<Double> difference() {
    return ours.map(value -> value / paper - 1);
  }

  boolean near() {
    return difference().filter(value -> Math.abs(value) <= tolerance).isPresent();
  }

  static List<PaperFigure> of(List<PaperPoint> points) {
    Predicate<PaperPoint> large = point -> point.setup().name().startsWith("O");
    Predicate<PaperPoint> cloud = large.negate();
    Predicate<PaperPoint> pairs = large.and(point -> !point.setup().name().equals("O3"));
    Collector figures = new Collector(points);
    figures.inverse("EP over HeterMoE, 4K", 0.82, large.and(at(4096)), SystemKind.EP);
    figures.one(
        "EP over HeterMoE, W2 on O2, 4K", 0.91, "O2", "mixtral-w2", 4096, SystemKind.EP, true);
    figures.mean("HeterMoE over EP, 16K", 1.67, large.and(at(16_384)), SystemKind.EP);
    figures.mean("HeterMoE over EP, 32K", 1.89, large.and(at(32_768)), SystemKind.EP);
    figures.one(
        "HeterMoE over EP, D1 on O1, 32K", 2.05, "O1", "mixtral-d1", 32_768, SystemKind.EP, false);
    figures.one(
        "HeterMoE over EP, D2 on O3, 32K", 2.29, "O3", "mixtral-d2", 32_768, SystemKind.EP, false);
    figures.inverse("DistEP over HeterMoE, all lengths", 0.55, large, SystemKind.DISTEP);
    figures.inverse("DistEP over HeterMoE, 4K", 0.56, large.and(at(4096)), SystemKind.DISTEP);
    figures.inverse("DistEP over HeterMoE, 32K", 0.59, large.and(at(32_768)), SystemKind.DISTEP);
    figures.mean("HeterMoE over EP (Ideal), all lengths", 1.18, large, SystemKind.EP_IDEAL);
    figures.most("HeterMoE over EP (Ideal), most", 1.38, large, SystemKind.EP_IDEAL);
    figures.least("HeterMoE over EP (Ideal), least", 0.97, large, SystemKind.EP_IDEAL);
    figures.mean("HeterMoE over PP, all lengths", 1.28, pairs, SystemKind.PP);
    figures.most("HeterMoE over PP, most", 1.47, pairs, SystemKind.PP);
    figures.least("HeterMoE over PP, 4K, least", 1.07, pairs.and(at(4096)), SystemKind.PP);
    figures.most("HeterMoE over PP, 4K, most", 1.21, pairs.and(at(4096)), SystemKind.PP);
    figures.mean("L40S + T4: HeterMoE over EP", 2.89, cloud, SystemKind.EP);
    figures.mean("L40S + T4: HeterMoE over DistEP", 1.96, cloud, SystemKind.DISTEP);
    figures.mean("L40S + T4: HeterMoE over EP (Ideal)", 1.17, cloud, SystemKind.EP_IDEAL);
    figures.most("L40S + T4: HeterMoE over EP (Ideal), most", 1.25, cloud, SystemKind.EP_IDEAL);
    figures.one(
        "Asym-EA on over off, W1 on O1, 4K",
        1.20,
        "O1",
        "mixtral-w1",
        4096,
        SystemKind.HETERMOE_NO_ASYM_EA,
        false);
    figures.one(
        "Asym-EA on over off, D1 on O1, 4K",
        1.14,
        "O1",
        "mixtral-d1",
        4096,
        SystemKind.HETERMOE_NO_ASYM_EA,
        false);
    figures.one(
        "Asym-EA on over off, W1 on O1, 24K",
        1.04,
        "O1",
        "mixtral-w1",
        24_576,
        SystemKind.HETERMOE_NO_ASYM_EA,
        false);
    figures.busy("8K, off", 8192, SystemKind.HETERMOE_NO_ASYM_EA, 55, 89);
    figures.busy("8K, on", 8192, SystemKind.HETERMOE, 83, 78);
    figures.busy("16K, off", 16_384, SystemKind.HETERMOE_NO_ASYM_EA, 77, 89);
    figures.busy("16K, on", 16_384, SystemKind.HETERMOE, 86, 84);
    return figures.all;
  }

  private static Predicate<PaperPoint> at(int length) {
    return point -> point.length() == length;
  }

  private static final class Collector {
    private final List<PaperPoint> points;
    private final List<PaperFigure> all = new ArrayList<>();

    Collector(List<PaperPoint> points) {
      this.points = points;
    }

    private List<Double> ratios(Predicate<PaperPoint> which, SystemKind kind, boolean ours) {
      return points.stream()
          .filter(which)
          .map(point -> point.speedUpOver(kind, ours))
          .flatMap(Optional::stream)
          .toList();
    }

    private void add(
        String what,
        double paper,
        double tolerance,
        Predicate<PaperPoint> which,
        SystemKind kind,
        Function<List<Double>, Optional<Double>> summary) {
      all.add(
          new PaperFigure(
              what,
              paper,
              tolerance,
              summary.apply(ratios(which, kind, false)),
              summary.apply(ratios(which, kind, true))));
    }

    void mean(String what, double paper, Predicate<PaperPoint> which, SystemKind kind) {
      add(what, paper, AVERAGE, which, kind, Collector::average);
    }

    void inverse(String what, double paper, Predicate<PaperPoint> which, SystemKind kind) {
      add(
          what,
          paper,
          AVERAGE,
          which,
          kind,
          ratios -> average(ratios.stream().map(ratio -> 1 / ratio).toList()));
    }

    void most(String what, double paper, Predicate<PaperPoint> which, SystemKind kind) {
      add(
          what,
          paper,
          EXTREME,
          which,
          kind,
          ratios -> ratios.stream().max(Comparator.naturalOrder()));
    }

    void least(String what, double paper, Predicate<PaperPoint> which, SystemKind kind) {
      add(
          what,
          paper,
          EXTREME,
          which,
          kind,
          ratios -> ratios.stream().min(Comparator.naturalOrder()));
    }

    void one(
        String what,
        double paper,
        String setup,
        String model,
        int length,
        SystemKind kind,
        boolean turned) {
      add(
          what,
          paper,
          EXTREME,
          at(length).and(point -> point.is(setup, model)),
          kind,
          ratios -> ratios.stream().findFirst().map(ratio -> turned ? 1 / ratio : ratio));
    }

    void busy(String what, int length, SystemKind kind, double a40, double v100) {
      for (PaperPoint point : points) {
        if (point.is("O1", "mixtral-d1") && point.length() == length) {
          add(what, "A40", a40, point.busyPercent(kind, "A40"));
          add(what, "V100", v100, point.busyPercent(kind, "V100"));
        }
      }
    }

    private void add(String what, String device, double paper, Optional<Double> ours) {
      all.add(
          new PaperFigure(
              device + " busy, D1 on O1, Asym-EA at " + what + ", %",
              paper,
              EXTREME,
              ours,
              Optional.empty()));
    }

    private static Optional<Double> average(List<Double> values) {
      return values.isEmpty()
          ? Optional.empty()
          : Optional.of(values.stream().mapToDouble(Double::doubleValue).average().orElseThrow());
    }
  }
}
