package org.hetermoe.compute.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import org.bytedeco.javacpp.Loader;

/**
 * oneDNN's libraries, and its matrix product in single precision. The libraries come out of
 * bytedeco's jar; calls go through java.lang.foreign. Pointers are passed as plain longs, which the
 * calling convention of x86-64 treats alike, so that a call makes no object.
 *
 * <p>Initialising this class loads the libraries and throws a {@link LinkageError} where they do
 * not load.
 */
final class OneDnn {
  /** Bits of dnnl_cpu_isa_t: dnnl_cpu_isa_avx512_core_bf16, which AMX comes on top of. */
  private static final int BF16_INSTRUCTIONS = 0xe7;

  private static final SymbolLookup LIBRARY;
  private static final MethodHandle SGEMM;
  private static final MethodHandle SET_THREADS;
  private static final boolean MULTIPLIES_BF16;
  private static final String VERSION;

  static {
    // oneDNN needs libgomp: loaded first, it is found by its name.
    SymbolLookup openMp = library("libgomp.so.1");
    LIBRARY = library("libdnnl.so.3");
    SET_THREADS =
        handle(
            openMp,
            "omp_set_num_threads",
            FunctionDescriptor.ofVoid(JAVA_INT),
            Linker.Option.critical(false));
    SGEMM =
        handle(
            LIBRARY,
            "dnnl_sgemm",
            FunctionDescriptor.of(
                JAVA_INT,
                JAVA_BYTE,
                JAVA_BYTE,
                JAVA_LONG,
                JAVA_LONG,
                JAVA_LONG,
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_LONG,
                JAVA_LONG,
                JAVA_LONG,
                JAVA_FLOAT,
                JAVA_LONG,
                JAVA_LONG));
    MULTIPLIES_BF16 =
        (call(handle(LIBRARY, "dnnl_get_effective_cpu_isa", FunctionDescriptor.of(JAVA_INT)))
                & BF16_INSTRUCTIONS)
            == BF16_INSTRUCTIONS;
    VERSION = readVersion(handle(LIBRARY, "dnnl_version", FunctionDescriptor.of(ADDRESS)));
  }

  private OneDnn() {}

  /** The library's version: {@code 3.11.0}. */
  static String version() {
    return VERSION;
  }

  /**
   * Whether oneDNN has instructions for products of bf16 here: the processor must have them, and
   * ONEDNN_MAX_CPU_ISA must let oneDNN use them.
   */
  static boolean multipliesBf16() {
    return MULTIPLIES_BF16;
  }

  /**
   * A function of the library, for others that call it.
   *
   * @throws UnsatisfiedLinkError if it has none of that name
   */
  static MethodHandle function(String name, FunctionDescriptor descriptor) {
    return handle(LIBRARY, name, descriptor);
  }

  /**
   * Lets the next calls of the calling thread compute on it alone. OpenMP keeps the number of
   * threads per native thread, and any thread may call us.
   */
  static void computeOnOneThread() {
    try {
      SET_THREADS.invokeExact(1);
    } catch (Throwable e) { // what invokeExact declares
      throw new IllegalStateException("the call of omp_set_num_threads failed", e);
    }
  }

  /**
   * {@code c[m,n] = alpha * op(a)[m,k] op(b)[k,n] + beta * c}, row-major, on the calling thread.
   * {@code op} transposes where told; {@code lda}, {@code ldb} and {@code ldc} are the elements
   * from one stored row to the next. With beta 0, c is not read.
   */
  static void sgemm(
      boolean transposeA,
      boolean transposeB,
      long m,
      long n,
      long k,
      float alpha,
      long a,
      long lda,
      long b,
      long ldb,
      float beta,
      long c,
      long ldc) {
    computeOnOneThread();
    int status;
    try {
      status =
          (int)
              SGEMM.invokeExact(
                  transposeA ? (byte) 'T' : (byte) 'N',
                  transposeB ? (byte) 'T' : (byte) 'N',
                  m,
                  n,
                  k,
                  alpha,
                  a,
                  lda,
                  b,
                  ldb,
                  beta,
                  c,
                  ldc);
    } catch (Throwable e) { // what invokeExact declares
      throw new IllegalStateException("the call of dnnl_sgemm failed", e);
    }
    if (status != 0) {
      throw new IllegalStateException(
          "dnnl_sgemm refused m=%d n=%d k=%d lda=%d ldb=%d ldc=%d with status %d"
              .formatted(m, n, k, lda, ldb, ldc, status));
    }
  }

  @SuppressWarnings("restricted") // the product is started with --enable-native-access
  private static SymbolLookup library(String name) {
    try {
      File file =
          Loader.cacheResource(org.bytedeco.dnnl.presets.dnnl.class, "linux-x86_64/" + name);
      if (file == null) {
        throw new UnsatisfiedLinkError(name + " is not on the class path");
      }
      return SymbolLookup.libraryLookup(file.toPath(), Arena.global());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot unpack " + name, e);
    } catch (IllegalArgumentException e) {
      UnsatisfiedLinkError error = new UnsatisfiedLinkError(name + " does not load here");
      error.initCause(e);
      throw error;
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle handle(
      SymbolLookup library, String name, FunctionDescriptor descriptor, Linker.Option... options) {
    MemorySegment function =
        library.find(name).orElseThrow(() -> new UnsatisfiedLinkError("no function " + name));
    return Linker.nativeLinker().downcallHandle(function, descriptor, options);
  }

  private static int call(MethodHandle function) {
    try {
      return (int) function.invokeExact();
    } catch (Throwable e) { // what invokeExact declares
      throw new IllegalStateException("a call of oneDNN failed", e);
    }
  }

  @SuppressWarnings("restricted")
  private static String readVersion(MethodHandle versionOf) {
    try {
      MemorySegment version =
          ((MemorySegment) versionOf.invokeExact()).reinterpret(3L * Integer.BYTES);
      return version.getAtIndex(JAVA_INT, 0)
          + "."
          + version.getAtIndex(JAVA_INT, 1)
          + "."
          + version.getAtIndex(JAVA_INT, 2);
    } catch (Throwable e) { // what invokeExact declares
      throw new IllegalStateException("the call of dnnl_version failed", e);
    }
  }
}
