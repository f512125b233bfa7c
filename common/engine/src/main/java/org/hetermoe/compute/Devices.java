package org.hetermoe.compute;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Collectors;
import org.hetermoe.compute.ComputeProvider.Availability.Unavailable;

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
    List<ComputeProvider> providers = new ArrayList<>();
    ServiceLoader.load(ComputeProvider.class, Devices.class.getClassLoader())
        .forEach(providers::add);
    if (name.equals("auto")) {
      return openBest(providers, threads);
    }
    String[] parts = name.split(":", 2);
    int ordinal = parts.length == 1 ? 0 : ordinal(name, parts[1]);
    for (ComputeProvider provider : providers) {
      if (provider.kind().equals(parts[0])) {
        if (provider.availability() instanceof Unavailable(String reason)) {
          throw new ComputeUnavailableException("compute " + name + " cannot start: " + reason);
        }
        return provider.open(ordinal, threads);
      }
    }
    throw new ComputeUnavailableException(
        "unknown compute '"
            + name
            + "'; known: auto, "
            + providers.stream()
                .map(ComputeProvider::kind)
                .sorted()
                .collect(Collectors.joining(", ")));
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

  private static Compute openBest(List<ComputeProvider> providers, int threads) {
    List<String> passedOver = new ArrayList<>();
    for (String kind : PREFERENCE) {
      for (ComputeProvider provider : providers) {
        if (!provider.kind().equals(kind)) {
          continue;
        }
        if (provider.availability() instanceof Unavailable(String reason)) {
          passedOver.add(kind + " (" + reason + ")");
          continue;
        }
        Compute compute = provider.open(0, threads);
        LOG.log(
            System.Logger.Level.INFO,
            "compute auto: {0}; passed over: {1}",
            compute.description(),
            passedOver.isEmpty() ? "none" : String.join(", ", passedOver));
        return compute;
      }
    }
    throw new ComputeUnavailableException("no compute can start here: " + passedOver);
  }
}
