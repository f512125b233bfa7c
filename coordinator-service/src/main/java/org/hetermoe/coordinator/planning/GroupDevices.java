package org.hetermoe.coordinator.planning;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;

/**
 * How fast the workers of a group are, and what they can compute.
 *
 * @param members in order of role and rank
 * @param profiles of those of which one is known
 * @param attentionOnly attention workers that cannot own experts, since their devices do not
 *     compute in the experts' type
 */
public record GroupDevices(
    List<Assignment.Member> members,
    Map<WorkerRank, DeviceProfile> profiles,
    Set<WorkerRank> attentionOnly) {
  public GroupDevices {
    members = List.copyOf(members);
    profiles = Map.copyOf(profiles);
    attentionOnly = Set.copyOf(attentionOnly);
  }

  /** Of workers that can compute whatever the run asks for. */
  GroupDevices(List<Assignment.Member> members, Map<WorkerRank, DeviceProfile> profiles) {
    this(members, profiles, Set.of());
  }

  /**
   * Workers without a profile, as {@code expert worker expert-1}. A worker in which ranks of both
   * roles live is an attention worker, as the first of its ranks is.
   */
  public List<String> unknown() {
    Map<String, WorkerRank.Role> roles = new HashMap<>();
    members.forEach(member -> roles.putIfAbsent(member.worker(), member.peer().role()));
    return members.stream()
        .filter(member -> !profiles.containsKey(member.peer()))
        .map(Assignment.Member::worker)
        .distinct()
        .map(worker -> roles.get(worker).name().toLowerCase(Locale.ROOT) + " worker " + worker)
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
