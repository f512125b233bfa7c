package org.hetermoe.emulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** NVIDIA's run-time compiler, as far as these tests need it. */
final class Nvrtc {

  private static final SymbolLookup LIBRARY = open();
  private static final Map<String, String> COMPILED = new ConcurrentHashMap<>();

  private Nvrtc() {}

  @SuppressWarnings("restricted") // tests are started with --enable-native-access
  private static SymbolLookup open() {
    return SymbolLookup.libraryLookup(
        Gpu.emulator().libraries().resolve("libnvrtc.so.12"), Arena.global());
  }

  /** CUDA C to PTX, with lines of the source in it, which is called test.cu. */
  static String ptx(String source, String architecture) {
    return COMPILED.computeIfAbsent(architecture + source, key -> compile(source, architecture));
  }

  private static String compile(String source, String architecture) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment program = arena.allocate(ADDRESS);
      call(
          "nvrtcCreateProgram",
          program,
          arena.allocateFrom(source),
          arena.allocateFrom("test.cu"),
          0,
          MemorySegment.NULL,
          MemorySegment.NULL);
      MemorySegment handle = program.get(ADDRESS, 0);
      String[] options = {"--gpu-architecture=" + architecture, "-lineinfo", "--std=c++17"};
      MemorySegment list = arena.allocate(MemoryLayout.sequenceLayout(options.length, ADDRESS));
      for (int k = 0; k < options.length; k++) {
        list.setAtIndex(ADDRESS, k, arena.allocateFrom(options[k]));
      }
      int code = invoke("nvrtcCompileProgram", handle, options.length, list);
      MemorySegment size = arena.allocate(JAVA_LONG);
      call("nvrtcGetProgramLogSize", handle, size);
      MemorySegment log = arena.allocate(size.get(JAVA_LONG, 0) + 1);
      call("nvrtcGetProgramLog", handle, log);
      assertThat(code).as(log.getString(0)).isZero();
      call("nvrtcGetPTXSize", handle, size);
      MemorySegment text = arena.allocate(size.get(JAVA_LONG, 0));
      call("nvrtcGetPTX", handle, text);
      call("nvrtcDestroyProgram", program);
      return text.getString(0);
    }
  }

  private static void call(String name, Object... arguments) {
    assertThat(invoke(name, arguments)).as(name).isZero();
  }

  @SuppressWarnings("restricted") // as above
  private static int invoke(String name, Object... arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    for (int k = 0; k < layouts.length; k++) {
      layouts[k] = arguments[k] instanceof Integer ? JAVA_INT : ADDRESS;
    }
    MethodHandle function =
        Linker.nativeLinker()
            .downcallHandle(LIBRARY.findOrThrow(name), FunctionDescriptor.of(JAVA_INT, layouts));
    try {
      return (int) function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException(name, e);
    }
  }
}
