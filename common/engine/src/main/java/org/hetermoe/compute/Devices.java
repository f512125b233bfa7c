package org.hetermoe.compute;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.hetermoe.compute.ComputeProvider.Availability.Unavailable;
import org.hetermoe.tensor.TransferMemory;

/** Looks devices up by name. */
public final class Devices {
  private static final System.Logger LOG = System.getLogger(Devices.class.getName());

  /** Kinds that {@code auto} tries, best first. */
  private static final List<String> PREFERENCE = List.of("cuda", "cpu", "reference");

  private Devices() {}

  /**
   * A kind of device.
   *
   * @param name as in {@code compute: cpu}
   * @param availability whether it can start here
   */
  public record Kind(String name, ComputeProvider.Availability availability) {}

  /** All kinds that are known, whether they can start here or not; the best first. */
  public static List<Kind> survey() {
    return providers().stream()
        .sorted(Comparator.comparingInt(provider -> PREFERENCE.indexOf(provider.kind())))
        .map(provider -> new Kind(provider.kind(), provider.availability()))
        .toList();
  }

  /**
   * Starts the device called {@code name}: a kind ({@code cpu}), a kind with one of its devices
   * ({@code cuda:0}), or {@code auto}, which takes the best kind that can start here and logs why.
   *
   * @throws ComputeUnavailableException if it is unknown or cannot start; there is no fallback
   */
  public static Compute open(String name, int threads) {
    if (name.equals("auto")) {
      return openBest(threads);
    }
    ComputeProvider provider = provider(name);
    if (provider.availability() instanceof Unavailable(String reason)) {
      throw new ComputeUnavailableException("compute " + name + " cannot start: " + reason);
    }
    return provider.open(device(name), threads);
  }

  /**
   * The host memory that the device called {@code name} copies from and to at full speed.
   *
   * @throws ComputeUnavailableException if it is unknown, or no device can start here
   */
  public static TransferMemory transferMemory(String name) {
    return name.equals("auto")
        ? best(new ArrayList<>()).transferMemory("")
        : provider(name).transferMemory(device(name));
  }

  /** What a name says after its colon; empty if it has none. */
  private static String device(String name) {
    int colon = name.indexOf(':');
    return colon < 0 ? "" : name.substring(colon + 1);
  }

  private static List<ComputeProvider> providers() {
    return ServiceLoader.load(ComputeProvider.class, Devices.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .toList();
  }

  private static ComputeProvider provider(String name) {
    String kind = name.split(":", 2)[0];
    List<ComputeProvider> providers = providers();
    return providers.stream()
        .filter(provider -> provider.kind().equals(kind))
        .findFirst()
        .orElseThrow(
            () ->
                new ComputeUnavailableException(
                    "unknown compute '"
                        + name
                        + "'; known: auto, "
                        + providers.stream()
                            .map(ComputeProvider::kind)
                            .sorted()
                            .collect(Collectors.joining(", "))));
  }

  private static Compute openBest(int threads) {
    List<String> passedOver = new ArrayList<>();
    Compute compute = best(passedOver).open("", threads);
    LOG.log(
        System.Logger.Level.INFO,
        "compute auto: {0}; passed over: {1}",
        compute.description(),
        passedOver.isEmpty() ? "none" : String.join(", ", passedOver));
    return compute;
  }

  /** The best kind that can start here; {@code passedOver} takes those that cannot, and why. */
  private static ComputeProvider best(List<String> passedOver) {
    List<ComputeProvider> providers = providers();
    for (String kind : PREFERENCE) {
      for (ComputeProvider provider : providers) {
        if (!provider.kind().equals(kind)) {
          continue;
        }
        if (provider.availability() instanceof Unavailable(String reason)) {
          passedOver.add(kind + " (" + reason + ")");
          continue;
        }
        return provider;
      }
    }
    throw new ComputeUnavailableException("no compute can start here: " + passedOver);
  }
}
