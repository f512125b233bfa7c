package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;

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
   * The roles worth a look. Of two kinds, the one attends that is better at attention than at
   * experts compared with the other. Of three and more any may attend. Devices of one kind are cut
   * in two.
   *
   * @param kinds the devices of each kind
   * @throws InvalidFieldException if no device can attend
   */
  static List<Roles> of(List<List<Device>> kinds, ModelShape model, int length) {
    List<List<Device>> attending =
        kinds.stream().filter(kind -> kind.getFirst().profile().attention()).toList();
    if (attending.isEmpty()) {
      throw new InvalidFieldException(
          "cluster",
          "has no device that can compute attention (it has "
              + String.join(
                  ", ", kinds.stream().map(kind -> kind.getFirst().profile().name()).toList())
              + "); add one that can");
    }
    return switch (kinds.size()) {
      case 1 -> halves(kinds.getFirst());
      case 2 -> List.of(ofTwo(kinds, attending, model, length));
      default -> subsets(kinds);
    };
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

  private static Roles ofTwo(
      List<List<Device>> kinds, List<List<Device>> attending, ModelShape model, int length) {
    List<Device> attention =
        attending.stream()
            .min(
                Comparator.comparingDouble(
                    kind -> attentionOverExperts(kind.getFirst().profile(), model, length)))
            .orElseThrow();
    return new Roles(
        attention,
        kinds.stream().filter(kind -> !kind.equals(attention)).findFirst().orElseThrow());
  }

  private static double attentionOverExperts(DeviceProfile profile, ModelShape model, int length) {
    double attention = 0;
    double experts = 0;
    for (Pass pass : Pass.values()) {
      attention += profile.attentionSeconds(model, 1, length, pass);
      experts += profile.expertSeconds(model, length, pass);
    }
    return attention / experts;
  }

  private static List<Roles> subsets(List<List<Device>> kinds) {
    List<Roles> roles = new ArrayList<>();
    for (int chosen = 1; chosen < (1 << kinds.size()) - 1; chosen++) {
      List<Device> attention = new ArrayList<>();
      List<Device> expert = new ArrayList<>();
      for (int kind = 0; kind < kinds.size(); kind++) {
        ((chosen >> kind & 1) == 1 ? attention : expert).addAll(kinds.get(kind));
      }
      if (attention.stream().allMatch(device -> device.profile().attention())) {
        roles.add(new Roles(attention, expert));
      }
    }
    return roles;
  }
}
