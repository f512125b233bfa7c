package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.cluster.Device;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.plan.RoleOrder;

/**
 * Which devices attend and which compute experts.
 *
 * @param attention devices that attend
 * @param expert devices that compute experts
 */
public record Roles(List<Device> attention, List<Device> expert) {
  private static final int MOST_SPLITS = 16;

  public Roles {
    attention = List.copyOf(attention);
    expert = List.copyOf(expert);
  }

  /**
   * The roles worth a look: whole kinds attend, in the order of their comparative advantage.
   * Devices of one kind are cut in two.
   *
   * @param kinds the devices of each kind
   * @param order in which they become attention workers
   * @throws InvalidFieldException if no device can attend
   */
  static List<Roles> of(List<List<Device>> kinds, RoleOrder order) {
    List<Integer> attending =
        order.attending(kinds.stream().map(kind -> kind.getFirst().profile()).toList());
    if (attending.isEmpty()) {
      throw new InvalidFieldException(
          "cluster",
          "has no device that can compute attention (it has "
              + String.join(
                  ", ", kinds.stream().map(kind -> kind.getFirst().profile().name()).toList())
              + "); add one that can");
    }
    return kinds.size() == 1 ? halves(kinds.getFirst()) : byKind(kinds, attending);
  }

  private static List<Roles> halves(List<Device> devices) {
    List<Roles> roles = new ArrayList<>();
    int stride = Math.ceilDiv(devices.size(), MOST_SPLITS);
    for (int attention = stride; attention < devices.size(); attention += stride) {
      roles.add(
          new Roles(devices.subList(0, attention), devices.subList(attention, devices.size())));
    }
    return roles.isEmpty() ? List.of(new Roles(devices, List.of())) : roles;
  }

  /** Whole kinds attend: the first of the order, the first two, and so on. */
  private static List<Roles> byKind(List<List<Device>> kinds, List<Integer> attending) {
    List<Roles> roles = new ArrayList<>();
    for (int count = 1; count <= Math.min(attending.size(), kinds.size() - 1); count++) {
      List<Integer> first = attending.subList(0, count);
      List<Device> attention = new ArrayList<>();
      List<Device> expert = new ArrayList<>();
      for (int kind = 0; kind < kinds.size(); kind++) {
        (first.contains(kind) ? attention : expert).addAll(kinds.get(kind));
      }
      roles.add(new Roles(attention, expert));
    }
    return roles;
  }
}
