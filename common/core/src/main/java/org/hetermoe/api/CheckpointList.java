package org.hetermoe.api;

import java.util.List;

/** Complete checkpoints of a run, newest first. */
public record CheckpointList(List<CheckpointView> checkpoints) {
  public CheckpointList {
    checkpoints = List.copyOf(checkpoints);
  }
}
