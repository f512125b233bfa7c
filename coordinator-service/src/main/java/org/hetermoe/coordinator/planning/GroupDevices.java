package org.hetermoe.coordinator.planning;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;

/**
 * How fast the workers of a group are.
 *
 * @param members in order of role and rank
 * @param profiles of those of which one is known
 */
public record GroupDevices(
    List<Assignment.Member> members, Map<WorkerRank, DeviceProfile> profiles) {
  public GroupDevices {
    members = List.copyOf(members);
    profiles = Map.copyOf(profiles);
  }

  /** Workers without a profile, as {@code expert worker expert-1}. */
  public List<String> unknown() {
    return members.stream()
        .filter(member -> !profiles.containsKey(member.peer()))
        .map(
            member ->
                member.peer().role().name().toLowerCase(Locale.ROOT) + " worker " + member.worker())
        .distinct()
        .toList();
  }

  /** What a member computes on, for people. */
  String device(WorkerRank peer) {
    DeviceProfile profile = profiles.get(peer);
    return profile == null ? "unknown" : profile.name();
  }

  List<DeviceProfile> of(WorkerRank.Role role) {
    return members.stream()
        .map(Assignment.Member::peer)
        .filter(peer -> peer.role() == role)
        .map(profiles::get)
        .toList();
  }
}
