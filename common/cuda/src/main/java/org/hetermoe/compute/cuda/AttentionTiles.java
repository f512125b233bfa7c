package org.hetermoe.compute.cuda;

import java.util.List;
import org.hetermoe.compute.cuda.compile.Architecture;
import org.hetermoe.compute.cuda.compile.KernelSource;
import org.hetermoe.compute.cuda.compile.Multiprocessor;
import org.hetermoe.tensor.DType;

/**
 * How a pass of attention is cut into blocks: chosen per architecture, type and width of a head, so
 * that sums stay in registers and as many blocks as they allow share a multiprocessor. The kernels
 * are compiled for it; they check that they need the shared memory that is counted here.
 *
 * @param kernel the kernel's name
 * @param source with all macros set
 * @param rows of a block: queries, or keys in the backward pass by key
 * @param threads of a block
 * @param sharedBytes dynamic shared memory of a block
 */
record AttentionTiles(String kernel, KernelSource source, int rows, int threads, int sharedBytes) {
  /** The widest head that the kernels' registers hold. */
  static final int WIDEST_HEAD = 256;

  private static final int WARP = 32;
  private static final int PLAIN_THREADS = 128;
  private static final Architecture SM_75 = new Architecture(7, 5);
  private static final Architecture SM_80 = new Architecture(8, 0);

  /** Shared memory of a block from which a kernel runs with two blocks at once. */
  private static final int ROOMY = 160 << 10;

  /**
   * For a pass.
   *
   * @param aligned whether every row of every head begins at 16 bytes
   */
  static AttentionTiles of(
      AttentionPass pass, DType type, Architecture device, int headDim, boolean aligned) {
    return type == DType.F32
        ? plain(pass, device, headDim, aligned)
        : tensorCores(pass, type, device, headDim, aligned);
  }

  /** The name of a type in kernels' names. */
  static String suffix(DType type) {
    return switch (type) {
      case F32 -> "f32";
      case F16 -> "f16";
      case BF16 -> "bf16";
      case I32 -> throw new IllegalArgumentException("attention has no integers");
    };
  }

  // ---- tensor cores

  /**
   * The cut of a kernel on tensor cores.
   *
   * @param warps of a block
   * @param rowTiles tiles of 16 rows per warp: two halve the reads of shared memory
   * @param block columns of a block of scores
   * @param stages buffers of what is walked over
   * @param blocks to be resident at once
   */
  private record Cut(int warps, int rowTiles, int block, int stages, int blocks) {}

  private static AttentionTiles tensorCores(
      AttentionPass pass, DType type, Architecture device, int headDim, boolean aligned) {
    int split = headDim > 128 ? 2 : 1;
    int width = (headDim + 16 * split - 1) / (16 * split) * (16 * split);
    Cut cut =
        switch (pass) {
          case FORWARD -> forward(device, width);
          case BACKWARD_QUERY -> backwardQuery(device, width);
          case BACKWARD_KEY -> backwardKey(device, width);
        };
    int rows = cut.warps * cut.rowTiles * 16 / (pass == AttentionPass.BACKWARD_KEY ? split : 1);
    int rowBytes = width * Short.BYTES;
    int shared =
        switch (pass) {
          case FORWARD -> (rows + 2 * cut.block) * rowBytes;
          case BACKWARD_QUERY -> 2 * (rows + cut.stages * cut.block) * rowBytes;
          case BACKWARD_KEY ->
              2 * rows * rowBytes + cut.stages * 2 * cut.block * (rowBytes + Float.BYTES);
        };
    String suffix = suffix(type);
    KernelSource source =
        KernelSource.resource(pass.operation() + ".cu")
            .define("TYPE", suffix)
            .define("HEAD_DIM", headDim)
            .define("ALIGNED", aligned ? 1 : 0)
            .define("WARPS", cut.warps)
            .define("ROW_TILES", cut.rowTiles)
            .define("BLOCK", cut.block)
            .define("STAGES", cut.stages)
            .define("MIN_BLOCKS", cut.blocks)
            .define("SHARED_BYTES", shared);
    return new AttentionTiles(
        pass.operation() + "_" + suffix, source, rows, cut.warps * WARP, shared);
  }

  private static boolean roomy(Architecture device) {
    return Multiprocessor.of(device).sharedBytesPerBlock() >= ROOMY;
  }

  private static Cut forward(Architecture device, int width) {
    if (width > 128) {
      return new Cut(4, 1, device.equals(SM_75) ? 16 : 32, 1, 1);
    }
    if (width > 96) {
      return roomy(device)
          ? new Cut(4, 2, 48, 1, 2) // 64 keys would spill
          : new Cut(4, 1, device.equals(SM_75) ? 32 : 64, 1, 2);
    }
    if (width > 64) {
      return device.isAtLeast(SM_80) ? new Cut(4, 2, 64, 1, 2) : new Cut(4, 1, 32, 1, 2);
    }
    return new Cut(4, 2, 64, 1, 2);
  }

  private static Cut backwardQuery(Architecture device, int width) {
    if (width > 128) {
      return device.equals(SM_75) ? new Cut(2, 1, 16, 1, 1) : new Cut(4, 1, 32, 1, 1);
    }
    if (width > 64) {
      if (roomy(device)) {
        return new Cut(4, 2, 32, 1, 2); // two stages would spill
      }
      return device.equals(SM_75) ? new Cut(2, 1, 32, 1, 2) : new Cut(4, 1, 32, 1, 2);
    }
    return device.isAtLeast(SM_80) ? new Cut(4, 2, 32, 2, 2) : new Cut(4, 1, 32, 1, 2);
  }

  private static Cut backwardKey(Architecture device, int width) {
    if (width > 128) {
      if (device.isAtLeast(SM_80)) {
        return new Cut(8, 1, 32, 1, 1);
      }
      return new Cut(4, 1, 16, 1, 1);
    }
    if (width > 64) {
      if (device.isAtLeast(SM_80)) {
        return new Cut(4, 1, 32, roomy(device) ? 2 : 1, 2);
      }
      return new Cut(4, 1, 16, 1, device.equals(SM_75) ? 1 : 2);
    }
    return device.isAtLeast(SM_80) ? new Cut(4, 2, 32, 2, 2) : new Cut(4, 1, 32, 1, 2);
  }

  // ---- single precision

  /** The cut of a kernel in single precision: its rows, and columns of a block of scores. */
  private record PlainCut(int rows, int block) {}

  private static final List<PlainCut> PLAIN_CUTS =
      List.of(
          new PlainCut(64, 32),
          new PlainCut(32, 32),
          new PlainCut(32, 16),
          new PlainCut(16, 16),
          new PlainCut(16, 8));

  private static AttentionTiles plain(
      AttentionPass pass, Architecture device, int headDim, boolean aligned) {
    int stride = (headDim + 31) / 32 * 32 + 4;
    int most = Multiprocessor.of(device).sharedBytesPerBlock();
    int accumulators = pass == AttentionPass.BACKWARD_KEY ? 2 : 1;
    for (PlainCut cut : PLAIN_CUTS) {
      int shared =
          switch (pass) {
                case FORWARD -> (cut.rows + cut.block) * stride + cut.rows * (cut.block + 4);
                case BACKWARD_QUERY ->
                    2 * (cut.rows + cut.block) * stride + cut.rows * (cut.block + 4);
                case BACKWARD_KEY ->
                    2 * (cut.rows + cut.block) * stride
                        + cut.rows * (cut.block + 4)
                        + 2 * cut.block;
              }
              * Float.BYTES;
      int sums = accumulators * cut.rows * stride / PLAIN_THREADS;
      if (shared <= most && sums <= 140) { // registers for the sums, and as many for the rest
        KernelSource source =
            KernelSource.resource(pass.operation().replace("attention", "attention_plain") + ".cu")
                .define("HEAD_DIM", headDim)
                .define("ALIGNED", aligned ? 1 : 0)
                .define("ROWS", cut.rows)
                .define("BLOCK", cut.block)
                .define("SHARED_BYTES", shared);
        return new AttentionTiles(
            pass.operation() + "_f32", source, cut.rows, PLAIN_THREADS, shared);
      }
    }
    throw new IllegalArgumentException("heads of " + headDim + " columns do not fit " + device);
  }
}
