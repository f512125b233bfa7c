package org.hetermoe.compute.cuda;

import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;
import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.cuda.compile.Architecture;
import org.hetermoe.compute.cuda.compile.KernelCache;
import org.hetermoe.compute.cuda.driver.Context;
import org.hetermoe.compute.cuda.driver.Kernel;
import org.hetermoe.compute.cuda.driver.KernelModule;
import org.hetermoe.compute.cuda.driver.Launch;
import org.hetermoe.compute.cuda.driver.Stream;
import org.hetermoe.tensor.DType;

/**
 * Launches the kernels of attention on addresses of device memory; compiles them for a width of
 * heads when it is first met. One is used by one thread at a time.
 */
final class AttentionKernels implements AutoCloseable {
  /** What a vector access of the kernels must be aligned to. */
  private static final int VECTOR_BYTES = 16;

  private static final int DELTA_WARPS = 8;
  private static final int WARP = 32;

  private final Context context;
  private final KernelCache cache;
  private final Architecture device;
  private final Arena arena = Arena.ofShared();
  private final Launch launch = new Launch(arena);
  private final Map<Key, Compiled> compiled = new HashMap<>();

  AttentionKernels(Context context, KernelCache cache) {
    this.context = context;
    this.cache = cache;
    this.device = new Architecture(context.device().major(), context.device().minor());
  }

  /**
   * Addresses of what attention reads and writes.
   *
   * @param logSumExp of floats
   */
  record Operands(long q, long k, long v, long out, long logSumExp) {
    boolean aligned() {
      return multiple(q | k | v | out);
    }
  }

  /**
   * Addresses of what its backward pass takes and gives besides.
   *
   * @param delta memory for a float per row and query head
   */
  record Gradients(long dOut, long delta, long dq, long dk, long dv) {
    boolean aligned() {
      return multiple(dOut | dq | dk | dv);
    }
  }

  void forward(Stream stream, DType type, AttentionShape shape, Operands x) {
    if (shape.sequences() == 0) {
      return;
    }
    Compiled kernel = get(AttentionPass.FORWARD, type, shape, x.aligned());
    launch.of(kernel.main).pointer(x.q).pointer(x.k).pointer(x.v).pointer(x.out);
    sizes(launch.pointer(x.logSumExp), shape);
    run(stream, kernel.tiles, shape, shape.heads());
  }

  void backward(Stream stream, DType type, AttentionShape shape, Operands x, Gradients d) {
    if (shape.sequences() == 0) {
      return;
    }
    boolean aligned = x.aligned() && d.aligned();
    Compiled byQuery = get(AttentionPass.BACKWARD_QUERY, type, shape, aligned);
    Compiled byKey = get(AttentionPass.BACKWARD_KEY, type, shape, aligned);
    long deltas = (long) shape.tokens() * shape.heads();
    launch
        .of(byQuery.delta)
        .pointer(x.out)
        .pointer(d.dOut)
        .pointer(d.delta)
        .i64(deltas)
        .run(
            stream,
            Math.toIntExact((deltas + DELTA_WARPS - 1) / DELTA_WARPS),
            DELTA_WARPS * WARP);

    launch.of(byQuery.main).pointer(x.q).pointer(x.k).pointer(x.v).pointer(x.logSumExp);
    sizes(launch.pointer(d.delta).pointer(d.dOut).pointer(d.dq), shape);
    run(stream, byQuery.tiles, shape, shape.heads());

    launch.of(byKey.main).pointer(x.q).pointer(x.k).pointer(x.v).pointer(x.logSumExp);
    sizes(launch.pointer(d.delta).pointer(d.dOut).pointer(d.dk).pointer(d.dv), shape);
    run(stream, byKey.tiles, shape, shape.kvHeads());
  }

  private static void sizes(Launch launch, AttentionShape shape) {
    launch
        .i32(shape.sequences())
        .i32(shape.length())
        .i32(shape.heads())
        .i32(shape.kvHeads())
        .f32((float) (1 / Math.sqrt(shape.headDim())));
  }

  private void run(Stream stream, AttentionTiles tiles, AttentionShape shape, int heads) {
    int blocks = (shape.length() + tiles.rows() - 1) / tiles.rows();
    int grid = Math.multiplyExact(Math.multiplyExact(heads, shape.sequences()), blocks);
    launch.run(stream, grid, 1, 1, tiles.threads(), tiles.sharedBytes());
  }

  private static boolean multiple(long addresses) {
    return addresses % VECTOR_BYTES == 0;
  }

  private Compiled get(AttentionPass pass, DType type, AttentionShape shape, boolean aligned) {
    int headDim = shape.headDim();
    if (headDim > AttentionTiles.WIDEST_HEAD) {
      throw new IllegalArgumentException(
          "heads of %d columns are wider than the device's attention takes, which is %d"
              .formatted(headDim, AttentionTiles.WIDEST_HEAD));
    }
    boolean vectors = aligned && (long) headDim * type.bytes() % VECTOR_BYTES == 0;
    return compiled.computeIfAbsent(new Key(pass, type, headDim, vectors), this::compile);
  }

  private Compiled compile(Key key) {
    AttentionTiles tiles =
        AttentionTiles.of(key.pass, key.type, device, key.headDim, key.aligned);
    KernelModule module =
        context.load(cache.load(tiles.source(), device), tiles.source().toString());
    Kernel delta =
        key.pass == AttentionPass.BACKWARD_QUERY
            ? module.kernel("attention_delta_" + AttentionTiles.suffix(key.type))
            : null;
    return new Compiled(tiles, module, module.kernel(tiles.kernel()), delta);
  }

  /** Unloads the kernels. */
  @Override
  public void close() {
    compiled.values().forEach(each -> each.module.close());
    compiled.clear();
    arena.close();
  }

  private record Key(AttentionPass pass, DType type, int headDim, boolean aligned) {}

  private record Compiled(
      AttentionTiles tiles, KernelModule module, Kernel main, Kernel delta) {}
}
