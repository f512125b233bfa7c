package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.hetermoe.cluster.Device;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.RoleOrder;
import org.hetermoe.plan.Training;
import org.hetermoe.plan.place.Planner;

/** The same training under different systems, with the same global batch. */
public final class Comparison {
  /** The largest batch that is tried, in multiples of the smallest. */
  private static final int MAX_UNITS = 64;

  private static final int PROBE_MICRO_BATCHES = 8;

  private final Scenario scenario;
  private final int sequences;

  /**
   * What is compared.
   *
   * @param model its sizes
   * @param length of a sequence, tokens
   * @param kinds the devices of each kind
   * @param training what training does
   * @param loads of the experts
   * @param planner of HeterMoE
   * @param microBatches of HeterMoE; 0 to tune them
   * @param sequences of the global batch; 0 for the largest that fits every system
   */
  public record Request(
      ModelShape model,
      int length,
      List<List<Device>> kinds,
      Training training,
      ExpertLoads loads,
      Planner planner,
      int microBatches,
      int sequences) {}

  private Comparison(Scenario scenario, int sequences) {
    this.scenario = scenario;
    this.sequences = sequences;
  }

  /**
   * Decides roles and global batch.
   *
   * @throws InvalidFieldException if the devices cannot train the model at all
   */
  public static Comparison of(Request request) {
    checkExpertFits(request);
    List<List<Device>> kinds = byName(request.kinds());
    List<Roles> candidates =
        Roles.of(kinds, new RoleOrder(request.model(), request.length(), request.training()));
    Scenario best = null;
    double most = -1;
    for (Roles roles : candidates) {
      Scenario scenario = scenario(request, roles);
      double throughput = candidates.size() == 1 ? 0 : throughput(scenario);
      if (throughput > most) {
        best = scenario;
        most = throughput;
      }
    }
    int sequences = request.sequences() > 0 ? request.sequences() : largestBatch(best);
    return new Comparison(best, sequences);
  }

  private static Scenario scenario(Request request, Roles roles) {
    return new Scenario(
        request.model(),
        request.length(),
        roles.attention(),
        roles.expert(),
        request.training(),
        request.loads(),
        request.planner(),
        request.microBatches());
  }

  private static void checkExpertFits(Request request) {
    long bytes =
        request.training().runtime().reservedBytes()
            + request.model().expertParameters() * request.training().expertStateBytes();
    long largest =
        request.kinds().stream()
            .mapToLong(kind -> kind.getFirst().profile().memoryBytes())
            .max()
            .orElse(0);
    if (bytes > largest) {
      throw new InvalidFieldException(
          "cluster",
          String.format(
              Locale.ROOT,
              "no device can hold an expert of %s: it needs %.1f GB, the largest device has %.1f GB",
              request.model().name(),
              bytes / 1e9,
              largest / 1e9));
    }
  }

  /** The same kind named twice is one kind. */
  private static List<List<Device>> byName(List<List<Device>> kinds) {
    return List.copyOf(
        kinds.stream()
            .flatMap(List::stream)
            .collect(
                Collectors.groupingBy(
                    device -> device.profile().name(), LinkedHashMap::new, Collectors.toList()))
            .values());
  }

  /** Tokens per second of HeterMoE with a batch of some micro-batches. */
  private static double throughput(Scenario scenario) {
    int batch = PROBE_MICRO_BATCHES * scenario.attention().size();
    Scenario probe =
        new Scenario(
            scenario.model(),
            scenario.length(),
            scenario.attention(),
            scenario.expert(),
            scenario.training(),
            scenario.loads(),
            scenario.planner(),
            PROBE_MICRO_BATCHES);
    return switch (system(SystemKind.HETERMOE).train(probe, batch)) {
      case SystemResult.Trained trained -> trained.tokensPerSecond();
      case SystemResult.Infeasible infeasible -> 0;
    };
  }

  private static TrainingSystem system(SystemKind kind) {
    return switch (kind) {
      case HETERMOE, HETERMOE_NO_ASYM_EA -> new GroupTraining(kind);
      case EP, EP_IDEAL, DISTEP -> new AlternatingTraining(kind);
      case PP -> new Pipeline();
    };
  }

  /**
   * The largest batch that fits every system; systems that fit no batch at all do not count.
   * Batches are multiples of what both all devices and all attention workers can share evenly.
   */
  private static int largestBatch(Scenario scenario) {
    int devices = scenario.devices().size();
    int attend = scenario.attention().size() * Math.max(1, scenario.microBatches());
    int unit = commonMultiple(devices, attend);
    List<TrainingSystem> systems = new ArrayList<>();
    for (SystemKind kind : SystemKind.values()) {
      TrainingSystem system = system(kind);
      if (system.fits(scenario, unit)) {
        systems.add(system);
      }
    }
    int fits = 1;
    int fails = systems.isEmpty() ? 2 : MAX_UNITS + 1;
    while (fails - fits > 1) {
      int middle = (fits + fails) / 2;
      int batch = middle * unit;
      if (systems.stream().allMatch(system -> system.fits(scenario, batch))) {
        fits = middle;
      } else {
        fails = middle;
      }
    }
    return fits * unit;
  }

  private static int commonMultiple(int one, int other) {
    int multiple = one;
    while (multiple % other != 0) {
      multiple += one;
    }
    return multiple;
  }

  /** Sequences of the global batch. */
  public int sequences() {
    return sequences;
  }

  /** Who attends, by kind. */
  public Map<String, Integer> attention() {
    return counts(scenario.attention());
  }

  /** Who computes experts, by kind. */
  public Map<String, Integer> expert() {
    return counts(scenario.expert());
  }

  private static Map<String, Integer> counts(List<Device> devices) {
    return devices.stream()
        .collect(
            Collectors.groupingBy(
                device -> device.profile().name(), TreeMap::new, Collectors.summingInt(d -> 1)));
  }

  /** What becomes of the training under a system. */
  public SystemResult under(SystemKind kind) {
    return system(kind).train(scenario, sequences);
  }
}
