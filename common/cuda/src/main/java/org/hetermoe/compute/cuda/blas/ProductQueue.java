package org.hetermoe.compute.cuda.blas;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.hetermoe.compute.cuda.driver.Context;
import org.hetermoe.compute.cuda.driver.DeviceInfo;
import org.hetermoe.compute.cuda.driver.Stream;
import org.hetermoe.tensor.DType;

/**
 * Matrix products in one stream, by a handle and a workspace of its own: those that share one may
 * vary from run to run. All matrices are row-major; cuBLAS, which is column-major, sees each as its
 * transpose.
 *
 * <p>Accumulation is in single precision whatever the type: products of F32 are true F32, not TF32,
 * and sums of 16-bit products are never rounded to 16 bits on the way.
 */
public final class ProductQueue implements AutoCloseable {
  /** What cuBLAS takes by default on compute capability 9.0, and elsewhere. */
  private static final long WORKSPACE_BYTES_90 = 32L << 20;

  private static final long WORKSPACE_BYTES = 8L << 20;

  private static final int NO = 0;
  private static final int TRANSPOSE = 1;
  private static final int COMPUTE_32F = 68;
  private static final int DEFAULT_ALGORITHM = -1;

  /** Default math (no TF32), and no 16-bit sums where a product is split along k. */
  private static final int DISALLOW_REDUCED_PRECISION_REDUCTION = 16;

  private static final MemorySegment ONE = scalar(1);
  private static final MemorySegment ZERO = scalar(0);

  private final Cublas library;
  private final Context context;
  private final long workspace;
  private final long handle;

  /**
   * Products in a stream.
   *
   * @param workspace device memory of {@link #workspaceBytes}, which the queue frees in the end
   */
  public ProductQueue(Cublas library, Stream stream, long workspace) {
    this.library = library;
    this.context = stream.context();
    this.workspace = workspace;
    context.makeCurrent();
    this.handle = library.create();
    library.setStream(handle, stream.address());
    library.setWorkspace(handle, workspace, workspaceBytes(context.device()));
    library.setMathMode(handle, DISALLOW_REDUCED_PRECISION_REDUCTION);
  }

  /** How much memory the library is given to work in, in bytes. */
  public static long workspaceBytes(DeviceInfo device) {
    return device.major() == 9 ? WORKSPACE_BYTES_90 : WORKSPACE_BYTES;
  }

  private static MemorySegment scalar(float value) {
    return Arena.global().allocateFrom(JAVA_FLOAT, value);
  }

  /** y[rows,out] = x[rows,in] w[out,in]^T. */
  public void forward(
      long x, long w, long y, int rows, int in, int out, DType type, DType outType) {
    gemm(TRANSPOSE, NO, out, rows, in, w, type, in, x, type, in, ZERO, y, outType, out);
  }

  /** dx[rows,in] = or += dy[rows,out] w[out,in]. */
  public void backwardInput(
      long dy, long w, long dx, int rows, int in, int out, DType type, boolean accumulate) {
    gemm(NO, NO, in, rows, out, w, type, in, dy, type, out, accumulate ? ONE : ZERO, dx, type, in);
  }

  /** dw[out,in] += dy[rows,out]^T x[rows,in]; dw is F32. */
  public void backwardWeight(long dy, long x, long dw, int rows, int in, int out, DType type) {
    gemm(NO, TRANSPOSE, in, out, rows, x, type, in, dy, type, out, ONE, dw, DType.F32, in);
  }

  private void gemm(
      int transposeA,
      int transposeB,
      int m,
      int n,
      int k,
      long a,
      DType typeA,
      int ldA,
      long b,
      DType typeB,
      int ldB,
      MemorySegment beta,
      long c,
      DType typeC,
      int ldC) {
    context.makeCurrent();
    library.gemmEx(
        handle,
        transposeA,
        transposeB,
        m,
        n,
        k,
        ONE,
        a,
        code(typeA),
        ldA,
        b,
        code(typeB),
        ldB,
        beta,
        c,
        code(typeC),
        ldC,
        COMPUTE_32F,
        DEFAULT_ALGORITHM);
  }

  /** cudaDataType. */
  private static int code(DType type) {
    return switch (type) {
      case F32 -> 0;
      case F16 -> 2;
      case BF16 -> 14;
      case I32 -> throw new IllegalArgumentException("no products of " + type);
    };
  }

  @Override
  public void close() {
    context.makeCurrent();
    library.destroy(handle);
    context.free(workspace);
  }
}
