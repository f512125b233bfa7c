package org.hetermoe.cluster;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.device.Catalogue;
import org.hetermoe.device.DataSheet;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.YamlDocument;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.tensor.DType;

/**
 * A cluster as a file or an option describes it.
 *
 * @param devices kinds and how many of each
 * @param network between them
 * @param catalogue kinds that the catalogue does not have, in its format
 */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
public record ClusterSpec(
    @JsonProperty(required = true) List<Kind> devices,
    NetworkSpec network,
    Map<String, DataSheet> catalogue) {
  /**
   * Devices of one kind.
   *
   * @param kind its name in the catalogue
   * @param count how many
   * @param network of these devices, where it differs
   * @param pricePerHour of one device; 0 if it has none
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Kind(
      @JsonProperty(required = true) String kind,
      @JsonProperty(required = true) int count,
      NetworkSpec network,
      double pricePerHour) {
    /** This kind with network cards of another rate. */
    Kind withGbps(double gbps) {
      NetworkSpec other = network == null ? null : network.withGbps(gbps);
      return new Kind(kind, count, other, pricePerHour);
    }

    public Kind {
      if (count < 1) {
        throw new InvalidFieldException(
            "cluster", "must have at least 1 device of a kind, has " + count + " " + kind);
      }
      if (!(pricePerHour >= 0)) {
        throw new InvalidFieldException(
            "cluster", "a price must be 0 or more, that of " + kind + " is " + pricePerHour);
      }
    }
  }

  public ClusterSpec {
    if (devices == null || devices.isEmpty()) {
      throw new InvalidFieldException("cluster", "must have devices");
    }
    devices = List.copyOf(devices);
    network = network == null ? new NetworkSpec(null, null, null, null) : network;
    catalogue = catalogue == null ? Map.of() : new LinkedHashMap<>(catalogue);
  }

  /**
   * The cluster of an option: a file, or {@code A40:6,V100:6}.
   *
   * @throws InvalidFieldException if it cannot be understood
   */
  public static ClusterSpec parse(String text) {
    if (text.matches("[^:,/\\\\]+\\.(ya?ml|json)") || Files.isRegularFile(Path.of(text))) {
      return read(Path.of(text));
    }
    List<Kind> kinds = new ArrayList<>();
    for (String part : text.split(",", -1)) {
      int colon = part.lastIndexOf(':');
      String count = part.substring(colon + 1).strip();
      if (colon < 1 || !count.matches("\\d{1,6}")) {
        throw new InvalidFieldException(
            "cluster",
            "must be a file or kinds with counts, as in A40:6,V100:6; is '" + text + "'");
      }
      kinds.add(new Kind(part.substring(0, colon).strip(), Integer.parseInt(count), null, 0));
    }
    return new ClusterSpec(kinds, null, null);
  }

  /**
   * The cluster of a file.
   *
   * @throws InvalidFieldException if it cannot be used
   */
  public static ClusterSpec read(Path file) {
    try {
      return YamlDocument.parse(
          "cluster", Files.readString(file), new TypeReference<ClusterSpec>() {});
    } catch (IOException unreadable) {
      InvalidFieldException named =
          new InvalidFieldException("cluster", "the file '" + file + "' cannot be read");
      named.initCause(unreadable);
      throw named;
    }
  }

  /** The same cluster with network cards of another rate everywhere. */
  public ClusterSpec withGbps(double gbps) {
    return new ClusterSpec(
        devices.stream().map(kind -> kind.withGbps(gbps)).toList(),
        network.withGbps(gbps),
        catalogue);
  }

  /**
   * The devices of one kind.
   *
   * @param index of the kind in {@link #devices()}
   * @throws InvalidFieldException if nobody knows the kind
   */
  public List<Device> devicesOf(int index, Catalogue known, DType precision) {
    Kind kind = devices.get(index);
    NetworkSpec own = kind.network() == null ? network : kind.network();
    DeviceProfile profile = known.with(catalogue).device(kind.kind(), precision);
    if (own.devicesPerNic() == 1) {
      return Collections.nCopies(
          kind.count(), new Device(profile, own.bytesPerSecond(), own.latencySeconds(), -1));
    }
    int before = devices.subList(0, index).stream().mapToInt(Kind::count).sum();
    List<Device> all = new ArrayList<>();
    for (int device = 0; device < kind.count(); device++) {
      int nic = before + device / own.devicesPerNic();
      all.add(new Device(profile, own.bytesPerSecond(), own.latencySeconds(), nic));
    }
    return all;
  }

  /** All devices, kind by kind. */
  public List<Device> all(Catalogue known, DType precision) {
    List<Device> all = new ArrayList<>();
    for (int kind = 0; kind < devices.size(); kind++) {
      all.addAll(devicesOf(kind, known, precision));
    }
    return all;
  }
}
