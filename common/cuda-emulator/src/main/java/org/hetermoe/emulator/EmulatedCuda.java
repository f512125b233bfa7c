package org.hetermoe.emulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * GPUs of any generation without hardware: a CUDA driver and a cuBLAS of this module's own, in this
 * process, under JCuda's native code. Kernels are compiled by NVIDIA's NVRTC and their PTX is
 * interpreted; every access is checked.
 *
 * <p>Results of kernels are as a GPU's, times are not: nothing measured on an emulated device says
 * anything about a real one, and its name says so.
 */
public final class EmulatedCuda {

  private static final int LONGEST_FAULT = 4096;

  private static EmulatedCuda started;

  private final List<Integer> capabilities;
  private final Path libraries;
  private final MethodHandle takeFault;
  private final MethodHandle instructions;
  private final MethodHandle setRaceCheck;
  private final MethodHandle raceCheck;
  private final MethodHandle setLazy;
  private final MethodHandle setMemory;

  @SuppressWarnings("restricted") // for tests, which are started with --enable-native-access
  private EmulatedCuda(List<Integer> capabilities, Path libraries) {
    this.capabilities = capabilities;
    this.libraries = libraries;
    // NVRTC's built-in functions first, which it looks for by name; whoever opens NVRTC by name
    // finds it loaded
    load(NativeBuild.NVRTC_BUILTINS);
    load(NativeBuild.NVRTC);
    load(NativeBuild.DRIVER);
    load(NativeBuild.BLAS);
    SymbolLookup driver =
        SymbolLookup.libraryLookup(libraries.resolve(NativeBuild.DRIVER), Arena.global());
    takeFault =
        bind(driver, "emulatorTakeFault", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    instructions = bind(driver, "emulatorInstructions", FunctionDescriptor.of(JAVA_LONG));
    setRaceCheck = bind(driver, "emulatorSetRaceCheck", FunctionDescriptor.ofVoid(JAVA_INT));
    raceCheck = bind(driver, "emulatorRaceCheck", FunctionDescriptor.of(JAVA_INT));
    setLazy = bind(driver, "emulatorSetLazy", FunctionDescriptor.ofVoid(JAVA_INT));
    setMemory = bind(driver, "emulatorSetMemory", FunctionDescriptor.ofVoid(JAVA_INT, JAVA_LONG));
    MethodHandle configure =
        bind(driver, "emulatorConfigure", FunctionDescriptor.of(JAVA_INT, ADDRESS));
    String list = capabilities.stream().map(String::valueOf).collect(Collectors.joining(","));
    try (Arena arena = Arena.ofConfined()) {
      if ((int) invoke(configure, arena.allocateFrom(list)) != 0) {
        throw new IllegalStateException(
            "the emulated driver was initialised before it was told its devices");
      }
    }
  }

  /**
   * Loads the emulated driver into this process, building it if need be, before anything else loads
   * a driver.
   *
   * @param capabilities of the devices, in their order: 70 for sm_70
   * @return the emulator of this process
   * @throws IllegalStateException if it was started with other devices, or cannot be: see {@link
   *     #unavailable}
   */
  public static synchronized EmulatedCuda start(int... capabilities) {
    List<Integer> list = IntStream.of(capabilities).boxed().toList();
    if (list.isEmpty()) {
      throw new IllegalArgumentException("no capabilities");
    }
    if (started == null) {
      Optional<String> why = unavailable();
      if (why.isPresent()) {
        throw new IllegalStateException("no emulated GPU: " + why.get());
      }
      try {
        started = new EmulatedCuda(list, NativeBuild.libraries());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    if (!started.capabilities.equals(list)) {
      throw new IllegalStateException(
          "this process has emulated devices "
              + started.capabilities
              + ", not "
              + Arrays.toString(capabilities));
    }
    return started;
  }

  /**
   * Why there can be no emulated GPU here, as a clause; empty if there can. Does not build
   * anything.
   *
   * @return what is missing
   */
  public static Optional<String> unavailable() {
    return NativeBuild.unavailable();
  }

  /**
   * Where libcuda.so.1, libcublas.so.12, libnvrtc.so.12 and NVRTC's built-ins are. A child process
   * with this directory as its LD_LIBRARY_PATH and with HETERMOE_EMULATED_GPUS=90 (capabilities,
   * separated by commas, each perhaps with an amount of memory: 90:2G) computes on emulated
   * devices; HETERMOE_EMULATOR_ORDER=eager, HETERMOE_EMULATOR_RACE_CHECK=0 and
   * HETERMOE_EMULATOR_THREADS=1 are the knobs of such a process; HETERMOE_EMULATED_GPUS= is a
   * driver that sees no GPU, and HETERMOE_EMULATED_DRIVER=11080 one that says it is CUDA 11.8's (it
   * understands as much as ever). What goes wrong there is on its standard error stream, in lines
   * that begin with "emulated GPU: ".
   *
   * @return a directory
   */
  public Path libraries() {
    return libraries;
  }

  /**
   * Capabilities of the devices, by ordinal.
   *
   * @return for example 70, 90
   */
  public List<Integer> capabilities() {
    return capabilities;
  }

  /**
   * What the emulator found wrong since the last call of this method: accesses, races, calls that
   * were refused.
   *
   * @return a line each, the oldest first
   */
  public List<String> faults() {
    List<String> lines = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment line = arena.allocate(LONGEST_FAULT);
      while ((int) invoke(takeFault, line, LONGEST_FAULT) != 0) {
        lines.add(line.getString(0));
      }
    }
    return lines;
  }

  /**
   * Instructions that kernels ran so far, counted once per lane of a warp.
   *
   * @return a count since the start
   */
  public long instructions() {
    return (long) invoke(instructions);
  }

  /**
   * Whether accesses of shared memory without a barrier between them are reported; they are at
   * first.
   *
   * @param on whether to check from now on
   */
  public void raceCheck(boolean on) {
    invoke(setRaceCheck, on ? 1 : 0);
  }

  /**
   * Whether accesses of shared memory without a barrier between them are reported now.
   *
   * @return false after {@link #raceCheck(boolean)} or HETERMOE_EMULATOR_RACE_CHECK=0 said so
   */
  public boolean raceChecked() {
    return (int) invoke(raceCheck) != 0;
  }

  /**
   * Whether work runs as late as the interface allows, so that a missing wait shows; it does at
   * first.
   *
   * @param on false to run work when it is enqueued
   */
  public void lazy(boolean on) {
    invoke(setLazy, on ? 1 : 0);
  }

  /**
   * Sets a device's memory, 4 GiB at first.
   *
   * @param device its ordinal
   * @param bytes of memory
   */
  public void memory(int device, long bytes) {
    invoke(setMemory, device, bytes);
  }

  @SuppressWarnings("restricted") // as above
  private void load(String library) {
    System.load(libraries.resolve(library).toString());
  }

  @SuppressWarnings("restricted") // as above
  private static MethodHandle bind(SymbolLookup library, String name, FunctionDescriptor type) {
    return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), type);
  }

  private static Object invoke(MethodHandle function, Object... arguments) {
    try {
      return function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException("call of the emulated driver", e);
    }
  }
}
