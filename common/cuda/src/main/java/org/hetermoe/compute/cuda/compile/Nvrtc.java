package org.hetermoe.compute.cuda.compile;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.cuda.library.CudaLibrary;

/** NVRTC, NVIDIA's compiler as a library, of CUDA 12 or 13. Calls may come from any thread. */
public final class Nvrtc {
  /** A version of a driver for {@link #find} that is as new as any compiler. */
  public static final int NEWEST_DRIVER = Integer.MAX_VALUE;

  private static final System.Logger LOG = System.getLogger(Nvrtc.class.getName());
  private static final int SUCCESS = 0;
  private static final int COMPILATION_ERROR = 6;

  private final CudaLibrary library;
  private final MethodHandle createProgram;
  private final MethodHandle compileProgram;
  private final MethodHandle destroyProgram;
  private final MethodHandle logSize;
  private final MethodHandle getLog;
  private final MethodHandle getErrorString;
  private final int version;
  private final List<Architecture> architectures;

  private Nvrtc(CudaLibrary library) {
    this.library = library;
    library.loadBeside("libnvrtc-builtins.so.");
    createProgram =
        function("nvrtcCreateProgram", ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    compileProgram = function("nvrtcCompileProgram", ADDRESS, JAVA_INT, ADDRESS);
    destroyProgram = function("nvrtcDestroyProgram", ADDRESS);
    logSize = function("nvrtcGetProgramLogSize", ADDRESS, ADDRESS);
    getLog = function("nvrtcGetProgramLog", ADDRESS, ADDRESS);
    getErrorString =
        library.function("nvrtcGetErrorString", FunctionDescriptor.of(ADDRESS, JAVA_INT));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment numbers = arena.allocate(JAVA_INT, 2);
      check("nvrtcVersion", numbers, numbers.asSlice(Integer.BYTES));
      version = numbers.getAtIndex(JAVA_INT, 0) * 1000 + numbers.getAtIndex(JAVA_INT, 1) * 10;
      check("nvrtcGetNumSupportedArchs", numbers);
      MemorySegment list = arena.allocate(JAVA_INT, numbers.get(JAVA_INT, 0));
      check("nvrtcGetSupportedArchs", list);
      architectures =
          Arrays.stream(list.toArray(JAVA_INT)).mapToObj(Architecture::of).sorted().toList();
    }
  }

  /**
   * The newest NVRTC here that compiles for all of these architectures, and is of no newer
   * generation of CUDA than the driver, which would not load what it emits.
   *
   * @param driverVersion what {@code cuDriverGetVersion} says: 12.9 is 12090
   * @throws ComputeUnavailableException if there is none; the message says what to install
   */
  public static Nvrtc find(int driverVersion, Architecture... targets) {
    List<Nvrtc> found = new ArrayList<>();
    for (CudaLibrary library : CudaLibrary.find("libnvrtc.so.13", "libnvrtc.so.12")) {
      found.add(new Nvrtc(library));
    }
    if (found.isEmpty()) {
      throw new ComputeUnavailableException(
          "NVRTC, the compiler of the kernels, is missing (libnvrtc.so.13 or libnvrtc.so.12;"
              + " CUDA 12's for V100): install CUDA's package of NVRTC, or PyTorch's"
              + " nvidia-cuda-nvrtc; "
              + CudaLibrary.searched());
    }
    Nvrtc oldest = found.getLast();
    found.removeIf(nvrtc -> nvrtc.version / 1000 > driverVersion / 1000);
    if (found.isEmpty()) {
      throw new ComputeUnavailableException(
          "the driver (CUDA %d.%d) is too old for %s: update the driver, or install NVRTC of CUDA %1$d"
              .formatted(driverVersion / 1000, driverVersion % 1000 / 10, oldest));
    }
    for (Nvrtc nvrtc : found) {
      if (Arrays.stream(targets).allMatch(nvrtc::supports)) {
        return nvrtc;
      }
    }
    throw new ComputeUnavailableException(
        "%s does not compile for all of %s; NVRTC of CUDA 12 does"
            .formatted(found.getFirst(), Arrays.toString(targets)));
  }

  /** As {@code cuDriverGetVersion} has it: 12.9 is 12090. */
  public int version() {
    return version;
  }

  /** The file that it came from, where that is known. */
  public Optional<Path> path() {
    return library.path();
  }

  /** What it compiles for, ascending. */
  public List<Architecture> architectures() {
    return architectures;
  }

  /** Whether a device of this architecture can run what this compiler emits. */
  public boolean supports(Architecture device) {
    return device.isAtLeast(architectures.getFirst());
  }

  /**
   * The architecture to compile for: the device's own, or, where the compiler is older than the
   * device, the newest that it knows. The driver makes such PTX fit.
   *
   * @throws ComputeUnavailableException if the compiler has dropped so old a device
   */
  public Architecture targetFor(Architecture device) {
    return architectures.reversed().stream()
        .filter(device::isAtLeast)
        .findFirst()
        .orElseThrow(
            () ->
                new ComputeUnavailableException(
                    "%s no longer compiles for %s; install NVRTC of CUDA 12"
                        .formatted(this, device)));
  }

  /**
   * Compiles a source.
   *
   * @throws KernelCompilationException if the compiler refuses it
   */
  public CompiledKernels compile(KernelSource source, Architecture target, Format format) {
    try (Arena arena = Arena.ofConfined()) {
      List<String> names = List.copyOf(source.headers().keySet());
      List<String> texts = names.stream().map(source.headers()::get).toList();
      MemorySegment handle = arena.allocate(ADDRESS);
      check(
          status(
              createProgram,
              handle,
              arena.allocateFrom(source.text()),
              arena.allocateFrom(source.name()),
              names.size(),
              strings(arena, texts),
              strings(arena, names)),
          "nvrtcCreateProgram");
      MemorySegment program = handle.get(ADDRESS, 0);
      try {
        List<String> options = options(source, target, format);
        int status = status(compileProgram, program, options.size(), strings(arena, options));
        String log = log(arena, program);
        if (status == COMPILATION_ERROR) {
          LOG.log(ERROR, "{0} says of {1}:\n{2}", this, source, log);
          throw new KernelCompilationException(
              "%s does not compile for %s with %s: %s; the log has the rest; another NVRTC of CUDA 12"
                      .formatted(source, target, this, firstError(log))
                  + " or 13 may do, -D"
                  + CudaLibrary.DIRECTORIES
                  + " names its directory");
        }
        if (status != SUCCESS) {
          throw new KernelCompilationException(
              "%s: %s cannot compile it for %s: %s, %s"
                  .formatted(source, this, target, errorString(status), firstError(log)));
        }
        return new CompiledKernels(image(arena, program, format), log);
      } finally {
        check(status(destroyProgram, handle), "nvrtcDestroyProgram");
      }
    }
  }

  /** The line that says what is wrong, of a log that shows the place and counts besides. */
  private static String firstError(String log) {
    return log.lines()
        .filter(line -> line.contains("error"))
        .findFirst()
        .orElseGet(() -> log.lines().findFirst().orElse("it does not say why"))
        .strip();
  }

  /** The options of a compilation; part of a cache's key. */
  static List<String> options(KernelSource source, Architecture target, Format format) {
    List<String> options = new ArrayList<>();
    options.add(format.option(target));
    options.add("--std=c++17");
    // Names a kernel's lines in profilers, in compute-sanitizer and in the emulator's reports.
    options.add("--generate-line-info");
    if (format == Format.CUBIN) {
      options.add("--ptxas-options=-v");
    }
    for (Map.Entry<String, String> define : source.defines().entrySet()) {
      options.add("--define-macro=" + define.getKey() + "=" + define.getValue());
    }
    return options;
  }

  private byte[] image(Arena arena, MemorySegment program, Format format) {
    MemorySegment size = arena.allocate(JAVA_LONG);
    check(format.sizeFunction(), program, size);
    MemorySegment image = arena.allocate(size.get(JAVA_LONG, 0));
    check(format.getFunction(), program, image);
    return image.toArray(JAVA_BYTE);
  }

  private String log(Arena arena, MemorySegment program) {
    MemorySegment size = arena.allocate(JAVA_LONG);
    check(status(logSize, program, size), "nvrtcGetProgramLogSize");
    MemorySegment log = arena.allocate(Math.max(1, size.get(JAVA_LONG, 0)));
    check(status(getLog, program, log), "nvrtcGetProgramLog");
    return log.getString(0, StandardCharsets.UTF_8);
  }

  private static MemorySegment strings(Arena arena, List<String> strings) {
    MemorySegment array = arena.allocate(ADDRESS, Math.max(1, strings.size()));
    for (int i = 0; i < strings.size(); i++) {
      array.setAtIndex(ADDRESS, i, arena.allocateFrom(strings.get(i)));
    }
    return array;
  }

  private MethodHandle function(String name, MemoryLayout... arguments) {
    return library.function(name, FunctionDescriptor.of(JAVA_INT, arguments));
  }

  private void check(String function, Object... arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    Arrays.fill(layouts, ADDRESS);
    check(status(function(function, layouts), arguments), function);
  }

  private static int status(MethodHandle function, Object... arguments) {
    try {
      return (int) function.invokeWithArguments(arguments);
    } catch (Throwable e) { // what a method handle declares
      throw new IllegalStateException("a call of NVRTC failed", e);
    }
  }

  private void check(int status, String function) {
    if (status != SUCCESS) {
      throw new IllegalStateException(function + " failed: " + errorString(status));
    }
  }

  @SuppressWarnings("restricted")
  private String errorString(int status) {
    try {
      MemorySegment text = (MemorySegment) getErrorString.invokeExact(status);
      return text.reinterpret(256).getString(0);
    } catch (Throwable e) { // what a method handle declares
      throw new IllegalStateException("a call of NVRTC failed", e);
    }
  }

  /** {@code NVRTC 12.9}. */
  @Override
  public String toString() {
    return "NVRTC " + version / 1000 + "." + version % 1000 / 10;
  }
}
