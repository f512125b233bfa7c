package org.hetermoe.plan.cluster;

import java.util.ArrayList;
import java.util.List;

/**
 * A layout and what it is worth, by one count or another.
 *
 * @param worth tokens a second, or tokens per unit of currency
 */
record Candidate(Layout layout, double worth) {
  /** Who attends and who computes experts, whatever the micro-batches. */
  List<Object> roles() {
    return List.of(layout.groups(), layout.attention(), layout.expert());
  }

  /** How many devices of each kind make a group, whoever attends. */
  List<Object> cut() {
    List<Integer> devices = new ArrayList<>();
    for (int kind = 0; kind < layout.attention().size(); kind++) {
      devices.add(layout.attention().get(kind) + layout.expert().get(kind));
    }
    return List.of(layout.groups(), devices);
  }
}
