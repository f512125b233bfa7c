package org.hetermoe.plan.place;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The least time in which machines of different rates do two kinds of divisible work: a linear
 * program, solved exactly. Within a given time, the first kind goes to the machines that give up
 * the least of the second for it (comparative advantage); whether what is left suffices for the
 * second kind tells whether the time does; the least time is found by bisection.
 */
public final class DivisibleWork {
  private static final int BISECTIONS = 100;

  /**
   * A machine, or several alike.
   *
   * @param base seconds that it is busy with neither kind
   * @param first seconds per unit of the first kind; infinite where it cannot do it
   * @param second seconds per unit of the second kind; infinite where it cannot do it
   * @param count how many there are
   */
  public record Machine(double base, double first, double second, int count) {
    double capacity(double seconds) {
      return Math.max(0, seconds - base) * count;
    }

    private double givenUp() {
      return first == 0 || Double.isInfinite(second) ? 0 : first / second;
    }
  }

  private final List<Machine> machines;

  /** Over these machines. */
  public DivisibleWork(List<Machine> machines) {
    this.machines = machines.stream().sorted(Comparator.comparingDouble(Machine::givenUp)).toList();
  }

  /**
   * The least seconds in which all is done, never too many; infinite if no time suffices.
   *
   * @param first units of the first kind
   * @param second units of the second kind
   */
  public double leastSeconds(double first, double second) {
    double low = machines.stream().mapToDouble(Machine::base).max().orElse(0);
    if (suffices(low, first, second)) {
      return low;
    }
    double high = Math.max(low, Double.MIN_NORMAL);
    while (!suffices(high, first, second)) {
      low = high;
      high *= 2;
      if (Double.isInfinite(high)) {
        return high;
      }
    }
    for (int bisection = 0; bisection < BISECTIONS; bisection++) {
      double middle = (low + high) / 2;
      if (suffices(middle, first, second)) {
        high = middle;
      } else {
        low = middle;
      }
    }
    return low;
  }

  private boolean suffices(double seconds, double first, double second) {
    double[] left = IntStream.range(0, machines.size()).mapToDouble(i -> 0).toArray();
    double missing = first;
    for (int index = 0; index < left.length; index++) {
      Machine machine = machines.get(index);
      double capacity = machine.capacity(seconds);
      double done =
          Double.isInfinite(machine.first()) ? 0 : Math.min(missing, capacity / machine.first());
      if (machine.first() == 0) {
        done = missing;
      }
      missing -= done;
      left[index] =
          machine.first() == 0 || done == 0 ? capacity : capacity - done * machine.first();
    }
    double possible = 0;
    for (int index = 0; index < left.length; index++) {
      double each = machines.get(index).second();
      if (each == 0) {
        return missing <= 0;
      }
      possible += Double.isInfinite(each) ? 0 : left[index] / each;
    }
    return missing <= 0 && possible >= second;
  }
}
