package org.hetermoe.device;

import java.util.Comparator;
import java.util.List;

/**
 * Seconds that a kind of work takes by its size, measured at a few sizes. Between two of them time
 * is taken to grow evenly; below the smallest along the line through the two smallest, but never
 * faster than at the smallest one's rate; above the largest at the largest one's rate. Where a
 * larger size was measured to take less, it counts as long as the smaller one.
 *
 * @param points by size, ascending
 */
public record WorkCurve(List<Point> points) {
  public WorkCurve {
    points = points.stream().sorted(Comparator.comparingDouble(Point::work)).toList();
    if (points.isEmpty()) {
      throw new IllegalArgumentException("a curve needs a point");
    }
    Point last = null;
    for (Point point : points) {
      if (!(point.work() > 0 && point.seconds() > 0) || Double.isInfinite(point.seconds())) {
        throw new IllegalArgumentException("a point needs work and time, is " + point);
      }
      if (last != null && point.work() == last.work()) {
        throw new IllegalArgumentException("two points for the same work: " + point.work());
      }
      last = point;
    }
    points = rising(points);
  }

  /**
   * A measured size.
   *
   * @param work floating-point operations of the forward, elements, or parameters
   * @param seconds the median of its repetitions
   */
  public record Point(double work, double seconds) {
    /** Work per second. */
    public double rate() {
      return work / seconds;
    }
  }

  /** Seconds of so much work; none takes none. */
  public double seconds(double work) {
    if (work <= 0) {
      return 0;
    }
    Point first = points.getFirst();
    Point last = points.getLast();
    if (work >= last.work()) {
      return work / last.rate();
    }
    if (points.size() == 1 || work <= first.work()) {
      double proportional = work / first.rate();
      return points.size() == 1
          ? proportional
          : Math.max(proportional, between(first, points.get(1), work));
    }
    int upper = 1;
    while (points.get(upper).work() < work) {
      upper++;
    }
    return between(points.get(upper - 1), points.get(upper), work);
  }

  private static double between(Point low, Point high, double work) {
    double slope = (high.seconds() - low.seconds()) / (high.work() - low.work());
    return low.seconds() + slope * (work - low.work());
  }

  private static List<Point> rising(List<Point> measured) {
    double[] longest = {0};
    return measured.stream()
        .map(
            point -> {
              longest[0] = Math.max(longest[0], point.seconds());
              return new Point(point.work(), longest[0]);
            })
        .toList();
  }
}
