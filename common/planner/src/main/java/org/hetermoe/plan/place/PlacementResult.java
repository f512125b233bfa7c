package org.hetermoe.plan.place;

/** What a planner finds: a placement, or why there is none. */
public sealed interface PlacementResult permits PlannedPlacement, NoPlacement {
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
