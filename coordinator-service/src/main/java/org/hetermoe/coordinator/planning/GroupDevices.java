package org.hetermoe.coordinator.planning;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.run.Assignment;

/**
 * How fast the workers of a group are, what they can compute, and what they have between them.
 *
 * @param members in order of role and rank
 * @param profiles of those of which one is known
 * @param attentionOnly attention workers that cannot own experts, since their devices do not
 *     compute in the experts' type
 * @param links among them
 */
public record GroupDevices(
    List<Assignment.Member> members,
    Map<WorkerRank, DeviceProfile> profiles,
    Set<WorkerRank> attentionOnly,
    GroupLinks links) {
  public GroupDevices {
    members = List.copyOf(members);
    profiles = Map.copyOf(profiles);
    attentionOnly = Set.copyOf(attentionOnly);
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

  /** How many of its ranks are of the expert side. */
  public int experts() {
    return (int)
        members.stream().filter(member -> member.peer().role() == WorkerRank.Role.EXPERT).count();
  }

  /** The devices of a side. */
  List<Device> of(WorkerRank.Role role) {
    return members.stream()
        .map(Assignment.Member::peer)
        .filter(peer -> peer.role() == role)
        .map(this::withLink)
        .toList();
  }

  private Device withLink(WorkerRank peer) {
    LinkCosts link = links.of(peer);
    return new Device(profiles.get(peer), link.bytesPerSecond(), link.latencySeconds(), link.nic());
  }
}
