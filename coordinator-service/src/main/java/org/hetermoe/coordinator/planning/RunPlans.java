package org.hetermoe.coordinator.planning;

import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.hetermoe.coordinator.config.CoordinatorConfig;
import org.hetermoe.coordinator.profile.LinkRegistry;
import org.hetermoe.coordinator.profile.ProfileRegistry;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.ScaledProfile;
import org.hetermoe.device.SidedProfile;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.ChannelKind;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.PrecisionSpec;
import org.hetermoe.run.RunPlan;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.WorkerProfile;
import org.hetermoe.tensor.DType;

/** Makes the planner of a run from what is known of its workers, and its plans into records. */
@ApplicationScoped
public class RunPlans {
  private final ProfileRegistry profiles;
  private final LinkRegistry links;
  private final LinkCosts setting;

  RunPlans(ProfileRegistry profiles, LinkRegistry links, CoordinatorConfig config) {
    this.profiles = profiles;
    this.links = links;
    Duration latency = config.planning().linkLatency();
    this.setting = new LinkCosts(config.planning().linkBytesPerSecond(), latency.toNanos() * 1e-9);
  }

  /**
   * What a worker says it is.
   *
   * @param compute description of its device
   * @param types that it computes in
   */
  public record Device(String compute, String softwareVersion, List<DType> types) {}

  /** What workers say they are, by their stable ids. */
  public static Map<String, Device> described(List<Heartbeat> live) {
    return live.stream()
        .collect(
            Collectors.toMap(
                Heartbeat::worker,
                worker -> new Device(worker.compute(), worker.softwareVersion(), worker.types())));
  }

  /**
   * The devices of a group: emulated where the run says so, else the workers' own. Their links are
   * as measured where the run's frames go that way, over the direct channel.
   *
   * @param workers what is known of the workers, by their stable ids
   */
  public GroupDevices devices(
      RunSpec spec, List<Assignment.Member> members, Map<String, Device> workers) {
    Map<WorkerRank, DeviceProfile> known = new HashMap<>();
    for (Assignment.Member member : members) {
      spec.emulation()
          .device(member.peer().role())
          .or(() -> own(workers.get(member.worker()), member.peer().role(), spec.precision()))
          .ifPresent(profile -> known.put(member.peer(), profile));
    }
    return new GroupDevices(
        members, known, attentionOnly(spec, members, workers), links(spec, members, known));
  }

  private GroupLinks links(
      RunSpec spec, List<Assignment.Member> members, Map<WorkerRank, DeviceProfile> known) {
    if (spec.channel() != ChannelKind.DIRECT) {
      return GroupLinks.of(setting);
    }
    Set<WorkerRank> emulated =
        known.entrySet().stream()
            .filter(device -> emulated(device.getValue()))
            .map(Map.Entry::getKey)
            .collect(Collectors.toSet());
    return GroupLinks.of(
        setting,
        members,
        emulated,
        links.among(members.stream().map(Assignment.Member::worker).toList()));
  }

  /** Whether a profile is of a device that is emulated; then both of its sides are. */
  static boolean emulated(DeviceProfile profile) {
    return switch (profile) {
      case ScaledProfile _ -> true;
      case SidedProfile sides -> emulated(sides.attentionSide());
      default -> false;
    };
  }

  /** Attention workers whose own devices do not compute in the type of the run's experts. */
  private static Set<WorkerRank> attentionOnly(
      RunSpec spec, List<Assignment.Member> members, Map<String, Device> workers) {
    return members.stream()
        .filter(member -> member.peer().role() == WorkerRank.Role.ATTENTION)
        .filter(member -> spec.ownDevices() && workers.containsKey(member.worker()))
        .filter(
            member -> !workers.get(member.worker()).types().contains(spec.precision().experts()))
        .map(Assignment.Member::peer)
        .collect(Collectors.toSet());
  }

  /** How fast a worker's own device is in the types that the run computes in. */
  private Optional<DeviceProfile> own(
      Device device, WorkerRank.Role role, PrecisionSpec precision) {
    if (device == null) {
      return Optional.empty();
    }
    Optional<DeviceProfile> experts = in(device, precision.experts());
    if (role == WorkerRank.Role.EXPERT || precision.attention() == precision.experts()) {
      return experts;
    }
    // One that never owns experts need not have been measured in their type.
    return in(device, precision.attention())
        .map(attention -> new SidedProfile(attention, experts.orElse(attention)));
  }

  private Optional<DeviceProfile> in(Device device, DType type) {
    return profiles.of(WorkerProfile.name(device.compute(), type), device.softwareVersion());
  }

  /** The planner of a run on a group. */
  public RunPlanner planner(RunSpec spec, GroupDevices devices) {
    return new RunPlanner(spec, devices);
  }

  /** A decision as it is stored and shown. */
  public RunPlan record(
      UUID run,
      int attempt,
      int number,
      Integer fromStep,
      Instant at,
      RunSpec spec,
      GroupDevices devices,
      Decision decision) {
    List<RunPlan.PlannedWorker> workers = new ArrayList<>();
    for (Assignment.Member member : devices.members()) {
      WorkerRank peer = member.peer();
      workers.add(
          new RunPlan.PlannedWorker(
              peer.toString(),
              member.worker(),
              devices.device(peer),
              IntStream.range(0, decision.placement().layers())
                  .mapToObj(layer -> decision.placement().expertsOf(layer, peer).size())
                  .toList(),
              decision.promise().map(promise -> promise.busy().get(peer)).orElse(null),
              link(devices.links(), peer)));
    }
    return new RunPlan(
        run,
        attempt,
        number,
        fromStep,
        at,
        decision.planner(),
        decision.why(),
        spec.training().schedule(),
        spec.training().microBatches(),
        GroupPrecision.of(spec.precision()),
        spec.training().recompute(),
        decision.promise().map(Decision.Promise::stepSeconds).orElse(null),
        decision.promise().map(Decision.Promise::boundFraction).orElse(null),
        null,
        workers,
        decision.placement());
  }

  private static RunPlan.PlannedLink link(GroupLinks links, WorkerRank peer) {
    LinkCosts link = links.of(peer);
    return new RunPlan.PlannedLink(
        link.bytesPerSecond(), link.latencySeconds(), links.measured(peer));
  }
}
