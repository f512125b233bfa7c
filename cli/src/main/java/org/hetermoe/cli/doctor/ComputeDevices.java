package org.hetermoe.cli.doctor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.ComputeProvider.Availability;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.cuda.CudaInventory;
import org.hetermoe.tensor.DType;

/** What can compute here, what CUDA has, and what the services would take. */
final class ComputeDevices {
  private static final String CUDA = "cuda";
  private static final String DEVICES = "devices";
  private static final String SERVICES = "what would be used";

  private ComputeDevices() {}

  static List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    cuda(CudaInventory.take(), findings);
    Devices.survey().forEach(kind -> findings.add(device(kind)));
    services(findings);
    return findings;
  }

  static void cuda(CudaInventory inventory, List<Finding> findings) {
    findings.add(
        inventory
            .driver()
            .map(version -> Finding.ok(CUDA, "driver", "for CUDA " + version))
            .orElseGet(
                () ->
                    Finding.absent(
                        CUDA, "driver", "none", "install NVIDIA's driver, where there is a GPU")));
    for (CudaInventory.Device device : inventory.devices()) {
      String value =
          String.format(
              Locale.ROOT,
              "%s, compute capability %s, %.1f of %.1f GiB free, %s",
              device.name(),
              device.capability(),
              gibibytes(device.freeBytes()),
              gibibytes(device.memoryBytes()),
              device.uuid());
      String name = "cuda:" + device.ordinal();
      findings.add(
          device.usable()
              ? Finding.ok(CUDA, name, value)
              : Finding.absent(CUDA, name, value, "use a GPU of compute capability 7.0 or newer"));
    }
    for (CudaInventory.Library library : inventory.libraries()) {
      findings.add(
          Finding.ok(
              CUDA,
              library.name(),
              library.version() + library.path().map(ComputeDevices::at).orElse("")));
    }
    for (String problem : inventory.problems()) {
      findings.add(Finding.absent(CUDA, "problem", problem, null));
    }
  }

  private static String at(Path path) {
    return ", " + path;
  }

  private static double gibibytes(long bytes) {
    return (double) bytes / (1L << 30);
  }

  private static Finding device(Devices.Kind kind) {
    return switch (kind.availability()) {
      case Availability.Available() -> Finding.ok(DEVICES, kind.name(), describe(kind.name()));
      case Availability.Unavailable(String reason) ->
          Finding.absent(DEVICES, kind.name(), "cannot start: " + reason, null);
    };
  }

  private static String describe(String device) {
    try (Compute compute = Devices.open(device, Runtime.getRuntime().availableProcessors())) {
      List<String> lines = new ArrayList<>(List.of(compute.description()));
      for (DType type : Arrays.stream(DType.values()).filter(DType::floating).toList()) {
        Optional<String> refusal = compute.refusal(type);
        lines.add(refusal.map(why -> type.label() + ": no, " + why).orElse(type.label()));
      }
      return lines.stream().collect(Collectors.joining("; "));
    } catch (ComputeUnavailableException e) {
      return "does not start: " + e.getMessage();
    }
  }

  private static void services(List<Finding> findings) {
    findings.add(Finding.ok(SERVICES, "coordinator", "no device: it computes nothing"));
    findings.add(
        Finding.ok(
            SERVICES,
            "./hetermoe train",
            "cpu, unless --worker-compute, --attention-compute or --expert-compute say otherwise"));
    String best;
    try (Compute compute = Devices.open("auto", 1)) {
      best = compute.description();
    } catch (ComputeUnavailableException e) {
      best = e.getMessage();
    }
    findings.add(Finding.ok(SERVICES, "compute: auto", best));
  }
}
