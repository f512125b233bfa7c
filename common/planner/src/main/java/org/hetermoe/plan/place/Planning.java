package org.hetermoe.plan.place;

/** What a planner comes to. */
public sealed interface Planning permits PlannedPlacement, NoPlacement {
  /**
   * The placement.
   *
   * @throws IllegalStateException with the reason, if there is none
   */
  default PlannedPlacement placed() {
    return switch (this) {
      case PlannedPlacement planned -> planned;
      case NoPlacement none -> throw new IllegalStateException(none.reason());
    };
  }
}
