package org.hetermoe.compute.cuda.blas;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.cuda.driver.CudaException;
import org.hetermoe.compute.cuda.library.CudaLibrary;

/** The library cuBLAS. Thread-safe. */
public final class Cublas {
  private static final String CUDA_12 = "libcublas.so.12";
  private static final String CUDA_13 = "libcublas.so.13";
  private static final int SUCCESS = 0;

  private final CudaLibrary library;
  private final String version;
  private final MethodHandle create;
  private final MethodHandle destroy;
  private final MethodHandle setStream;
  private final MethodHandle setWorkspace;
  private final MethodHandle setMathMode;
  private final MethodHandle gemmEx;

  private Cublas(CudaLibrary library) {
    this.library = library;
    this.create = function("cublasCreate_v2", ADDRESS);
    this.destroy = function("cublasDestroy_v2", JAVA_LONG);
    this.setStream = function("cublasSetStream_v2", JAVA_LONG, JAVA_LONG);
    this.setWorkspace = function("cublasSetWorkspace_v2", JAVA_LONG, JAVA_LONG, JAVA_LONG);
    this.setMathMode = function("cublasSetMathMode", JAVA_LONG, JAVA_INT);
    this.gemmEx =
        function(
            "cublasGemmEx",
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            ADDRESS,
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            ADDRESS,
            JAVA_LONG,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT,
            JAVA_INT);
    this.version = readVersion();
  }

  /**
   * Finds it.
   *
   * @param cuda12 whether it has to be CUDA 12's: that of CUDA 13 knows no V100, and no driver of
   *     CUDA 12
   * @throws ComputeUnavailableException if there is none; the message says what to install
   */
  public static Cublas find(boolean cuda12) {
    List<CudaLibrary> found =
        cuda12 ? CudaLibrary.find(CUDA_12) : CudaLibrary.find(CUDA_13, CUDA_12);
    if (found.isEmpty()) {
      throw new ComputeUnavailableException(
          "cuBLAS is missing ("
              + (cuda12
                  ? CUDA_12 + ", which V100 and drivers of CUDA 12 need"
                  : CUDA_13 + " or " + CUDA_12)
              + "): install CUDA's package of cuBLAS, or PyTorch's nvidia-cublas; "
              + CudaLibrary.searched());
    }
    return new Cublas(found.getFirst());
  }

  private MethodHandle function(String name, MemoryLayout... parameters) {
    return library.function(name, FunctionDescriptor.of(JAVA_INT, parameters));
  }

  private String readVersion() {
    MethodHandle getProperty = function("cublasGetProperty", JAVA_INT, ADDRESS);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_INT);
      StringBuilder text = new StringBuilder();
      for (int part = 0; part < 3; part++) {
        check((int) getProperty.invokeExact(part, value), "cublasGetProperty");
        text.append(part == 0 ? "" : ".").append(value.get(JAVA_INT, 0));
      }
      return text.toString();
    } catch (Throwable e) {
      throw failed("cublasGetProperty", e);
    }
  }

  /** Its version: {@code 12.9.1}. */
  public String version() {
    return version;
  }

  /** Its file. */
  public Optional<Path> path() {
    return library.path();
  }

  long create() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle = arena.allocate(JAVA_LONG);
      check((int) create.invokeExact(handle), "cublasCreate");
      return handle.get(JAVA_LONG, 0);
    } catch (Throwable e) {
      throw failed("cublasCreate", e);
    }
  }

  void destroy(long handle) {
    try {
      check((int) destroy.invokeExact(handle), "cublasDestroy");
    } catch (Throwable e) {
      throw failed("cublasDestroy", e);
    }
  }

  void setStream(long handle, long stream) {
    try {
      check((int) setStream.invokeExact(handle, stream), "cublasSetStream");
    } catch (Throwable e) {
      throw failed("cublasSetStream", e);
    }
  }

  void setWorkspace(long handle, long address, long bytes) {
    try {
      check((int) setWorkspace.invokeExact(handle, address, bytes), "cublasSetWorkspace");
    } catch (Throwable e) {
      throw failed("cublasSetWorkspace", e);
    }
  }

  void setMathMode(long handle, int mode) {
    try {
      check((int) setMathMode.invokeExact(handle, mode), "cublasSetMathMode");
    } catch (Throwable e) {
      throw failed("cublasSetMathMode", e);
    }
  }

  @SuppressWarnings("ParameterNumber")
  void gemmEx(
      long handle,
      int transposeA,
      int transposeB,
      int m,
      int n,
      int k,
      MemorySegment alpha,
      long a,
      int typeA,
      int ldA,
      long b,
      int typeB,
      int ldB,
      MemorySegment beta,
      long c,
      int typeC,
      int ldC,
      int computeType,
      int algorithm) {
    int status;
    try {
      status =
          (int)
              gemmEx.invokeExact(
                  handle,
                  transposeA,
                  transposeB,
                  m,
                  n,
                  k,
                  alpha,
                  a,
                  typeA,
                  ldA,
                  b,
                  typeB,
                  ldB,
                  beta,
                  c,
                  typeC,
                  ldC,
                  computeType,
                  algorithm);
    } catch (Throwable e) {
      throw failed("cublasGemmEx", e);
    }
    if (status != SUCCESS) {
      check(
          status,
          "cublasGemmEx of m %d, n %d, k %d, type %d to %d".formatted(m, n, k, typeA, typeC));
    }
  }

  private static void check(int status, String call) {
    if (status != SUCCESS) {
      throw new CudaException(call + ": " + name(status) + " (" + status + ")", status);
    }
  }

  private static String name(int status) {
    return switch (status) {
      case 1 -> "CUBLAS_STATUS_NOT_INITIALIZED";
      case 3 -> "CUBLAS_STATUS_ALLOC_FAILED";
      case 7 -> "CUBLAS_STATUS_INVALID_VALUE";
      case 8 -> "CUBLAS_STATUS_ARCH_MISMATCH";
      case 11 -> "CUBLAS_STATUS_MAPPING_ERROR";
      case 13 -> "CUBLAS_STATUS_EXECUTION_FAILED";
      case 14 -> "CUBLAS_STATUS_INTERNAL_ERROR";
      case 15 -> "CUBLAS_STATUS_NOT_SUPPORTED";
      default -> "CUBLAS_STATUS";
    };
  }

  private static RuntimeException failed(String call, Throwable e) {
    if (e instanceof RuntimeException known) {
      return known;
    }
    return new IllegalStateException(call + " cannot be called", e);
  }
}
