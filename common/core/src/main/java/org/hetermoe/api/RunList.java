package org.hetermoe.api;

import java.util.List;

/** A page of runs, newest first, without specification and history. */
public record RunList(List<RunView> runs) {
  public RunList {
    runs = List.copyOf(runs);
  }
}
