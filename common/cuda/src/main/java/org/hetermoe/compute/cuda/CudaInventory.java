package org.hetermoe.compute.cuda;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.cuda.blas.Cublas;
import org.hetermoe.compute.cuda.compile.Architecture;
import org.hetermoe.compute.cuda.compile.Nvrtc;
import org.hetermoe.compute.cuda.driver.Context;
import org.hetermoe.compute.cuda.driver.CudaException;
import org.hetermoe.compute.cuda.driver.DeviceInfo;
import org.hetermoe.compute.cuda.driver.Driver;

/**
 * What there is of CUDA on this machine, for a report. Taking it loads the driver.
 *
 * @param driver the newest CUDA version that the driver supports; empty without a driver
 * @param devices all devices that are visible, whether they can be used or not
 * @param libraries what was found of NVRTC and cuBLAS
 * @param problems a clause for each thing that keeps the device {@code cuda} from starting
 */
public record CudaInventory(
    Optional<String> driver, List<Device> devices, List<Library> libraries, List<String> problems) {

  /**
   * A device.
   *
   * @param ordinal its number in {@code cuda:N}
   * @param uuid its name in {@code cuda:GPU-<uuid>}
   * @param name the maker's name
   * @param capability compute capability, with its dot
   * @param memoryBytes all of its memory
   * @param freeBytes what is free of it, with this process looking on
   * @param usable whether it is new enough
   */
  public record Device(
      int ordinal,
      String uuid,
      String name,
      String capability,
      long memoryBytes,
      long freeBytes,
      boolean usable) {}

  /**
   * A library.
   *
   * @param name in words
   * @param version its own
   * @param path its file, where known
   */
  public record Library(String name, String version, Optional<Path> path) {}

  public CudaInventory {
    devices = List.copyOf(devices);
    libraries = List.copyOf(libraries);
    problems = List.copyOf(problems);
  }

  /** Looks around. Never fails: what is wrong is among the problems. */
  public static CudaInventory take() {
    List<String> problems = new ArrayList<>();
    List<Device> devices = new ArrayList<>();
    List<Library> libraries = new ArrayList<>();
    Optional<Driver> driver = attempt(Driver::load, problems);
    driver.ifPresent(
        found -> found.devices().forEach(device -> devices.add(describe(found, device, problems))));
    if (driver.isPresent() && devices.stream().noneMatch(Device::usable)) {
      problems.add("no GPU of compute capability 7.0 (V100) or newer is visible");
    }
    Architecture[] targets = driver.map(CudaRuntime::architectures).orElse(new Architecture[0]);
    int version = driver.map(Driver::version).orElse(Nvrtc.NEWEST_DRIVER);
    attempt(() -> Nvrtc.find(version, targets), problems)
        .ifPresent(
            nvrtc -> libraries.add(new Library("NVRTC", dotted(nvrtc.version()), nvrtc.path())));
    boolean cuda12 = driver.map(CudaRuntime::needsCuda12).orElse(false);
    attempt(() -> Cublas.find(cuda12), problems)
        .ifPresent(cublas -> libraries.add(new Library("cuBLAS", cublas.version(), cublas.path())));
    return new CudaInventory(driver.map(Driver::versionText), devices, libraries, problems);
  }

  private static Device describe(Driver driver, DeviceInfo info, List<String> problems) {
    long free =
        attempt(
                () -> {
                  try (Context context = driver.open(info)) {
                    return context.freeBytes();
                  }
                },
                problems)
            .orElse(0L);
    return new Device(
        info.ordinal(),
        info.uuid(),
        info.name(),
        info.capability(),
        info.memoryBytes(),
        free,
        CudaRuntime.isUsable(info));
  }

  private static <T> Optional<T> attempt(Supplier<T> look, List<String> problems) {
    try {
      return Optional.of(look.get());
    } catch (ComputeUnavailableException | CudaException | LinkageError e) {
      problems.add(e.getMessage());
      return Optional.empty();
    }
  }

  private static String dotted(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }
}
