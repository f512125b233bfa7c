package org.hetermoe.plan.place;

import java.util.OptionalDouble;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.schedule.Schedule;

/** What a good placement would about take, without working it out: to compare many groups. */
public final class QuickLook {
  private static final int LOOKS = 12;

  private QuickLook() {}

  /** Seconds of a step, by the quick clock; empty if no placement fits the memory. */
  public static OptionalDouble seconds(GroupCosts costs, Schedule schedule) {
    if (Room.shortage(costs, true).isPresent()) {
      return OptionalDouble.empty();
    }
    QuickClock clock = new QuickClock(costs, schedule);
    PatternSearch search = new PatternSearch(costs, clock, Room.of(costs, true), LOOKS, false);
    return OptionalDouble.of(clock.seconds(search.best().getFirst()));
  }
}
