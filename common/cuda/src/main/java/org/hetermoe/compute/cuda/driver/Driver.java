package org.hetermoe.compute.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdevice_attribute;
import jcuda.driver.CUresult;
import jcuda.driver.CUuuid;
import jcuda.driver.JCudaDriver;
import org.hetermoe.compute.ComputeUnavailableException;

/** The NVIDIA driver of this machine. Thread-safe. */
public final class Driver {
  /** The oldest driver whose CUDA version JCuda 12 and the kernels' compilers work with. */
  private static final int OLDEST_VERSION = 12_000;

  private static final String LIBRARY = "libcuda.so.1";

  private static Driver loaded;

  private final int version;
  private final List<DeviceInfo> devices;

  private Driver(int version, List<DeviceInfo> devices) {
    this.version = version;
    this.devices = List.copyOf(devices);
  }

  /**
   * Loads the driver, once per process, and lists its devices.
   *
   * @throws ComputeUnavailableException if there is no driver, none that works, or one too old; the
   *     message is a clause that says what to do
   */
  public static synchronized Driver load() {
    if (loaded == null) {
      requireLibrary();
      JCudaLibrary.load();
      int code = JCudaDriver.cuInit(0);
      if (code == CUresult.CUDA_ERROR_NO_DEVICE) {
        loaded = new Driver(readVersion(), List.of());
        return loaded;
      }
      if (code != CUresult.CUDA_SUCCESS) {
        throw new ComputeUnavailableException(
            "the NVIDIA driver does not start (" + describe(code) + "); nvidia-smi says more");
      }
      int version = readVersion();
      if (version < OLDEST_VERSION) {
        throw new ComputeUnavailableException(
            "the NVIDIA driver supports CUDA %s only; CUDA 12.0 (driver 525) or newer is needed: update"
                    .formatted(dotted(version))
                + " the driver");
      }
      loaded = new Driver(version, listDevices());
    }
    return loaded;
  }

  @SuppressWarnings("restricted") // the product is started with --enable-native-access
  private static void requireLibrary() {
    try (Arena arena = Arena.ofConfined()) {
      SymbolLookup.libraryLookup(LIBRARY, arena);
    } catch (IllegalArgumentException e) {
      throw new ComputeUnavailableException(
          "no NVIDIA driver: " + LIBRARY + " is not found; install the driver of the GPU", e);
    }
  }

  /** The newest CUDA version it supports, as the driver counts: 12040 is 12.4. */
  public int version() {
    return version;
  }

  /** The version in the usual notation: {@code 12.4}. */
  public String versionText() {
    return dotted(version);
  }

  private static String dotted(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  /** All devices that are visible to this process, by ordinal; may be empty. */
  public List<DeviceInfo> devices() {
    return devices;
  }

  /** A context of a device; close it. */
  public Context open(DeviceInfo device) {
    return new Context(device);
  }

  private static int readVersion() {
    int[] version = new int[1];
    check(JCudaDriver.cuDriverGetVersion(version), "cuDriverGetVersion");
    return version[0];
  }

  private static List<DeviceInfo> listDevices() {
    int[] count = new int[1];
    check(JCudaDriver.cuDeviceGetCount(count), "cuDeviceGetCount");
    List<DeviceInfo> devices = new ArrayList<>();
    for (int ordinal = 0; ordinal < count[0]; ordinal++) {
      devices.add(describeDevice(ordinal));
    }
    return devices;
  }

  private static DeviceInfo describeDevice(int ordinal) {
    CUdevice device = new CUdevice();
    check(JCudaDriver.cuDeviceGet(device, ordinal), "cuDeviceGet");
    byte[] name = new byte[256];
    check(JCudaDriver.cuDeviceGetName(name, name.length, device), "cuDeviceGetName");
    long[] memory = new long[1];
    check(JCudaDriver.cuDeviceTotalMem(memory, device), "cuDeviceTotalMem");
    CUuuid uuid = new CUuuid();
    check(JCudaDriver.cuDeviceGetUuid(uuid, device), "cuDeviceGetUuid");
    return new DeviceInfo(
        ordinal,
        text(uuid),
        text(name),
        attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
        attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
        memory[0],
        attribute(device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT),
        attribute(
            device, CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN));
  }

  private static int attribute(CUdevice device, int attribute) {
    int[] value = new int[1];
    check(JCudaDriver.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute");
    return value[0];
  }

  private static String text(byte[] name) {
    int length = 0;
    while (length < name.length && name[length] != 0) {
      length++;
    }
    return new String(name, 0, length, StandardCharsets.UTF_8);
  }

  private static String text(CUuuid uuid) {
    String hex = HexFormat.of().formatHex(uuid.bytes);
    return "GPU-"
        + String.join(
            "-",
            hex.substring(0, 8),
            hex.substring(8, 12),
            hex.substring(12, 16),
            hex.substring(16, 20),
            hex.substring(20));
  }

  static void check(int code, String call) {
    if (code != CUresult.CUDA_SUCCESS) {
      throw new CudaException(call + ": " + describe(code), code);
    }
  }

  /** Number, name and text of an error. */
  static String describe(int code) {
    String[] name = new String[1];
    String[] text = new String[1];
    JCudaDriver.cuGetErrorName(code, name);
    JCudaDriver.cuGetErrorString(code, text);
    return (name[0] == null ? "error" : name[0])
        + " ("
        + code
        + ")"
        + (text[0] == null ? "" : ", " + text[0]);
  }
}
