package org.hetermoe.compute.cpu;

import java.nio.file.Path;
import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.host.Conversion;
import org.hetermoe.compute.host.HostMemory;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * Runs the products of {@link OneDnn} and of the device under a storm of signals, {@code
 * ProductsUnderSignals library}, and last what is known to be wrong. Prints for each what the watch
 * saw.
 */
final class ProductsUnderSignals {
  /** The name of what the watch must not miss. */
  static final String STRAY = "stray";

  /** Signals for each product. Of those to a faulty one, a third and more come at a wrong time. */
  private static final long SIGNALS = 60;

  /** Few, odd, whole and many rows and columns; the last are too many for most of the kernels. */
  private static final int[][] SIZES = {
    {1, 1}, {1, 70}, {70, 1}, {5, 7}, {64, 32}, {128, 256}, {530, 540}
  };

  /** About the places where oneDNN's kernels cut the inner extent or change their workspace. */
  private static final int[] INNER = {1, 3, 84, 85, 96, 252, 253, 256, 504, 505, 512, 1000};

  private final StackWatch watch;

  private ProductsUnderSignals(Path library) {
    this.watch = new StackWatch(library);
  }

  public static void main(String[] args) {
    ProductsUnderSignals products = new ProductsUnderSignals(Path.of(args[0]));
    products.ofOneDnn();
    products.ofPrimitives();
    products.ofTheDevice();
    products.watch(STRAY, products.watch::stray);
  }

  private void ofOneDnn() {
    try (HostMemory memory = new HostMemory();
        HostTensor a = memory.allocate(DType.F32, Shape.of(1000, 540));
        HostTensor b = memory.allocate(DType.F32, Shape.of(1000, 540));
        HostTensor c = memory.allocate(DType.F32, Shape.of(540, 540))) {
      ElementKernel.fill(a.address(), 540_000, 0.5f);
      ElementKernel.fill(b.address(), 540_000, 0.25f);
      for (boolean transposeA : new boolean[] {false, true}) {
        for (boolean transposeB : new boolean[] {false, true}) {
          for (int[] size : SIZES) {
            for (int k : INNER) {
              int m = size[0];
              int n = size[1];
              String name =
                  "%s%s m=%d n=%d k=%d"
                      .formatted(transposeA ? "T" : "N", transposeB ? "T" : "N", m, n, k);
              long lda = transposeA ? m : k;
              long ldb = transposeB ? k : n;
              watch(
                  name,
                  () -> {
                    for (float beta : new float[] {0f, 1f, 0.5f}) {
                      OneDnn.sgemm(
                          transposeA,
                          transposeB,
                          m,
                          n,
                          k,
                          1f,
                          a.address(),
                          lda,
                          b.address(),
                          ldb,
                          beta,
                          c.address(),
                          n);
                    }
                  });
            }
          }
        }
      }
    }
  }

  /** Those that the device multiplies 16 bits by; in single precision where it does not. */
  private void ofPrimitives() {
    DType type = OneDnn.multipliesBf16() ? DType.BF16 : DType.F32;
    try (HostMemory memory = new HostMemory();
        OneDnnMatmul matmul = new OneDnnMatmul(type)) {
      Scratch scratch = new Scratch(memory);
      HostTensor a = memory.allocate(type, Shape.of(505, 256));
      HostTensor b = memory.allocate(type, Shape.of(505, 256));
      HostTensor c = memory.allocate(DType.F32, Shape.of(256, 256));
      Conversion.fill(a, 0.5f);
      Conversion.fill(b, 0.25f);
      for (boolean transposeA : new boolean[] {false, true}) {
        for (boolean transposeB : new boolean[] {false, true}) {
          for (int[] size : new int[][] {{32, 1}, {32, 70}, {96, 32}, {256, 256}}) {
            for (int k : new int[] {3, 85, 256, 505}) {
              int m = size[0];
              int n = size[1];
              watch(
                  "primitive %s%s m=%d n=%d k=%d"
                      .formatted(transposeA ? "T" : "N", transposeB ? "T" : "N", m, n, k),
                  () ->
                      matmul.multiply(
                          transposeA,
                          transposeB,
                          m,
                          n,
                          k,
                          a.address(),
                          transposeA ? m : k,
                          b.address(),
                          transposeB ? k : n,
                          c.address(),
                          scratch));
            }
          }
        }
      }
    }
  }

  private void ofTheDevice() {
    try (Compute compute = Devices.open("cpu", 1)) {
      for (int[] size :
          new int[][] {{1, 256, 8}, {130, 256, 512}, {130, 512, 256}, {300, 300, 70}}) {
        linear(compute, size[0], size[1], size[2]);
      }
      attention(compute, new AttentionShape(1, 257, 2, 1, 32));
      attention(compute, new AttentionShape(1, 600, 1, 1, 256));
    }
  }

  private void linear(Compute compute, int rows, int in, int out) {
    try (Tensor x = compute.zeros(DType.F32, Shape.of(rows, in));
        Tensor w = compute.zeros(DType.F32, Shape.of(out, in));
        Tensor y = compute.zeros(DType.F32, Shape.of(rows, out))) {
      watch(
          "linear [%d,%d]x[%d,%d]".formatted(rows, in, out, in),
          () -> {
            compute.linear(x, w, y);
            compute.linearBackwardInput(y, w, x, true);
            compute.linearBackwardWeight(y, x, w);
          });
    }
  }

  private void attention(Compute compute, AttentionShape shape) {
    Shape queries = Shape.of(shape.length(), shape.queryWidth());
    Shape keys = Shape.of(shape.length(), shape.kvWidth());
    try (Tensor q = compute.zeros(DType.F32, queries);
        Tensor k = compute.zeros(DType.F32, keys);
        Tensor v = compute.zeros(DType.F32, keys);
        Tensor out = compute.zeros(DType.F32, queries);
        Tensor logSumExp = compute.zeros(DType.F32, Shape.of(shape.length(), shape.heads()));
        Tensor dq = compute.zeros(DType.F32, queries);
        Tensor dk = compute.zeros(DType.F32, keys);
        Tensor dv = compute.zeros(DType.F32, keys)) {
      watch(
          shape.toString(),
          () -> {
            compute.attention(q, k, v, shape, out, logSumExp);
            compute.attentionBackward(q, k, v, out, logSumExp, out, shape, dq, dk, dv);
          });
    }
  }

  private void watch(String name, Runnable task) {
    watch.during(name, task, SIGNALS).print();
  }
}
