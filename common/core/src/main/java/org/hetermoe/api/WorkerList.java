package org.hetermoe.api;

import java.util.List;

/** All workers that were ever heard of, by id. */
public record WorkerList(List<WorkerView> workers) {
  public WorkerList {
    workers = List.copyOf(workers);
  }
}
