package org.hetermoe.plan.cluster;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.model.InvalidFieldException;

/**
 * All devices of a cluster, by kind.
 *
 * @param kinds in the order of the cluster
 */
public record DevicePool(List<Kind> kinds) {
  /**
   * Devices that are alike.
   *
   * @param name of their profile
   * @param devices all of them
   * @param pricePerHour of one; 0 if it has none
   */
  public record Kind(String name, List<Device> devices, double pricePerHour) {
    public Kind {
      devices = List.copyOf(devices);
    }

    /** How many there are. */
    public int count() {
      return devices.size();
    }

    /** One of them. */
    public Device one() {
      return devices.getFirst();
    }

    /** The most that share a network card. */
    int devicesOnCard() {
      Map<Integer, Integer> cards = new HashMap<>();
      int most = 1;
      for (Device device : devices) {
        if (device.nic() >= 0) {
          most = Math.max(most, cards.merge(device.nic(), 1, Integer::sum));
        }
      }
      return most;
    }

    boolean attends() {
      return one().profile().attention();
    }
  }

  public DevicePool {
    kinds = List.copyOf(kinds);
    int devices = count(kinds);
    if (devices < 2) {
      throw new InvalidFieldException(
          "cluster",
          "has " + devices + " device; a group needs one that attends and one for experts");
    }
    if (kinds.stream().noneMatch(Kind::attends)) {
      throw new InvalidFieldException(
          "cluster",
          "has no device that can compute attention (it has "
              + String.join(", ", kinds.stream().map(Kind::name).toList())
              + "); add one that can");
    }
    for (Kind kind : kinds) {
      if (!(kind.one().bytesPerSecond() > 0)) {
        throw new InvalidFieldException(
            "cluster", "the bandwidth of " + kind.name() + " must be above 0");
      }
    }
  }

  /**
   * Devices by kind.
   *
   * @param pricesPerHour by name of the kind; one without costs nothing
   */
  public static DevicePool of(List<Device> devices, Map<String, Double> pricesPerHour) {
    Map<String, List<Device>> kinds = new LinkedHashMap<>();
    for (Device device : devices) {
      kinds.computeIfAbsent(device.profile().name(), name -> new ArrayList<>()).add(device);
    }
    return new DevicePool(
        kinds.entrySet().stream()
            .map(
                kind ->
                    new Kind(
                        kind.getKey(),
                        kind.getValue(),
                        pricesPerHour.getOrDefault(kind.getKey(), 0.0)))
            .toList());
  }

  /** The same pool, with profiles that work each time out once. */
  DevicePool cached() {
    return new DevicePool(kinds.stream().map(DevicePool::cached).toList());
  }

  private static Kind cached(Kind kind) {
    DeviceProfile profile = new CachedProfile(kind.one().profile());
    return new Kind(
        kind.name(),
        kind.devices().stream()
            .map(
                device ->
                    new Device(
                        profile, device.bytesPerSecond(), device.latencySeconds(), device.nic()))
            .toList(),
        kind.pricePerHour());
  }

  private static int count(List<Kind> kinds) {
    return kinds.stream().mapToInt(Kind::count).sum();
  }

  /** How many devices there are. */
  public int devices() {
    return count(kinds);
  }

  /** Whether any device has a price. */
  public boolean priced() {
    return kinds.stream().anyMatch(kind -> kind.pricePerHour() > 0);
  }
}
