package org.hetermoe.compute;

import java.util.ArrayList;
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
   * Starts the device called {@code name}: a kind ({@code cpu}), a kind with an ordinal ({@code
   * cuda:0}), or {@code auto}, which takes the best kind that can start here and logs why.
   *
   * @throws ComputeUnavailableException if it is unknown or cannot start; there is no fallback
   */
  public static Compute open(String name, int threads) {
    if (name.equals("auto")) {
      return openBest(threads);
    }
    String[] parts = name.split(":", 2);
    int ordinal = parts.length == 1 ? 0 : ordinal(name, parts[1]);
    ComputeProvider provider = provider(name, parts[0]);
    if (provider.availability() instanceof Unavailable(String reason)) {
      throw new ComputeUnavailableException("compute " + name + " cannot start: " + reason);
    }
    return provider.open(ordinal, threads);
  }

  /**
   * The host memory that the device called {@code name} copies from and to at full speed.
   *
   * @throws ComputeUnavailableException if it is unknown, or no device can start here
   */
  public static TransferMemory transferMemory(String name) {
    ComputeProvider provider =
        name.equals("auto") ? best(new ArrayList<>()) : provider(name, name.split(":", 2)[0]);
    return provider.transferMemory();
  }

  private static List<ComputeProvider> providers() {
    return ServiceLoader.load(ComputeProvider.class, Devices.class.getClassLoader()).stream()
        .map(ServiceLoader.Provider::get)
        .toList();
  }

  private static ComputeProvider provider(String name, String kind) {
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

  private static int ordinal(String name, String text) {
    try {
      int ordinal = Integer.parseInt(text);
      if (ordinal >= 0) {
        return ordinal;
      }
    } catch (NumberFormatException e) {
      throw new ComputeUnavailableException(
          "compute '" + name + "' has no device number after the colon", e);
    }
    throw new ComputeUnavailableException("compute '" + name + "' has a negative device number");
  }

  private static Compute openBest(int threads) {
    List<String> passedOver = new ArrayList<>();
    Compute compute = best(passedOver).open(0, threads);
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
