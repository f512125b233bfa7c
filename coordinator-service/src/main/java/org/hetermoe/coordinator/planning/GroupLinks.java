package org.hetermoe.coordinator.planning;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.LinkMeasurement;

/**
 * What the workers of a group have between them: what was measured, or a setting where nothing was.
 *
 * <p>The planner knows one link of each worker, where there is one to each of the others. It is
 * given the slowest of those to the other side, attention or experts, in either direction: the
 * lowest speed and the highest latency. Where one of them has not been measured, the setting stands
 * for all of them. Devices that are emulated keep the setting, and so do those that exchange
 * something with them.
 */
public final class GroupLinks {
  private final LinkCosts setting;
  private final List<Assignment.Member> members;
  private final Set<WorkerRank> emulated;
  private final Map<Pair, LinkCosts> measured;

  private GroupLinks(
      LinkCosts setting,
      List<Assignment.Member> members,
      Set<WorkerRank> emulated,
      Map<Pair, LinkCosts> measured) {
    this.setting = setting;
    this.members = List.copyOf(members);
    this.emulated = Set.copyOf(emulated);
    this.measured = Map.copyOf(measured);
  }

  /** From one member to another. */
  private record Pair(WorkerRank from, WorkerRank to) {}

  /** Links that measurements say nothing of. */
  public static GroupLinks of(LinkCosts setting) {
    return new GroupLinks(setting, List.of(), Set.of(), Map.of());
  }

  /**
   * Links of which some may be measured.
   *
   * @param setting for all others
   * @param members of the group
   * @param emulated members with emulated devices
   * @param measurements between workers, of the group or not
   */
  static GroupLinks of(
      LinkCosts setting,
      List<Assignment.Member> members,
      Set<WorkerRank> emulated,
      List<LinkMeasurement> measurements) {
    Map<String, Map<String, LinkCosts>> byWorker = new HashMap<>();
    for (LinkMeasurement link : measurements) {
      byWorker
          .computeIfAbsent(link.from(), _ -> new HashMap<>())
          .put(link.to(), new LinkCosts(link.bytesPerSecond(), link.latencySeconds()));
    }
    Map<Pair, LinkCosts> measured = new HashMap<>();
    for (Assignment.Member from : members) {
      for (Assignment.Member to : members) {
        LinkCosts link = byWorker.getOrDefault(from.worker(), Map.of()).get(to.worker());
        if (link != null && !emulated.contains(from.peer()) && !emulated.contains(to.peer())) {
          measured.put(new Pair(from.peer(), to.peer()), link);
        }
      }
    }
    return new GroupLinks(setting, members, emulated, measured);
  }

  /** A member's link with the others, as the planner takes it. */
  LinkCosts of(WorkerRank peer) {
    return slowest(peer).orElse(setting);
  }

  /** Whether {@link #of} is measured, and not the setting. */
  boolean measured(WorkerRank peer) {
    return slowest(peer).isPresent();
  }

  /** Workers of which a link to the other side is not measured and could be. */
  public List<String> unknown() {
    return members.stream()
        .filter(
            member ->
                !emulated.contains(member.peer())
                    && opposite(member.peer()).stream()
                        .filter(other -> !emulated.contains(other))
                        .anyMatch(other -> !measuredBothWays(member.peer(), other)))
        .map(Assignment.Member::worker)
        .distinct()
        .toList();
  }

  private boolean measuredBothWays(WorkerRank one, WorkerRank other) {
    return measured.containsKey(new Pair(one, other)) && measured.containsKey(new Pair(other, one));
  }

  /** The link from one member to another. */
  public LinkCosts between(WorkerRank from, WorkerRank to) {
    return measured.getOrDefault(new Pair(from, to), setting);
  }

  private Optional<LinkCosts> slowest(WorkerRank peer) {
    LinkCosts slowest = null;
    for (WorkerRank other : opposite(peer)) {
      LinkCosts out = measured.get(new Pair(peer, other));
      LinkCosts in = measured.get(new Pair(other, peer));
      if (out == null || in == null) {
        return Optional.empty();
      }
      LinkCosts both = slower(out, in);
      slowest = slowest == null ? both : slower(slowest, both);
    }
    return Optional.ofNullable(slowest);
  }

  /** Members of the other side; what lives in the same worker needs no link. */
  private List<WorkerRank> opposite(WorkerRank peer) {
    Optional<String> own =
        members.stream()
            .filter(member -> member.peer().equals(peer))
            .map(Assignment.Member::worker)
            .findAny();
    return members.stream()
        .filter(member -> member.peer().role() != peer.role())
        .filter(member -> !own.equals(Optional.of(member.worker())))
        .map(Assignment.Member::peer)
        .toList();
  }

  private static LinkCosts slower(LinkCosts one, LinkCosts other) {
    return new LinkCosts(
        Math.min(one.bytesPerSecond(), other.bytesPerSecond()),
        Math.max(one.latencySeconds(), other.latencySeconds()));
  }
}
