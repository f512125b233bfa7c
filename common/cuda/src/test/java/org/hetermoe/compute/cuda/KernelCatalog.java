package org.hetermoe.compute.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.hetermoe.compute.cuda.compile.Architecture;
import org.hetermoe.compute.cuda.compile.KernelSource;
import org.hetermoe.tensor.DType;

/** Every source of the device's kernels, in the variants that runs are likely to meet. */
final class KernelCatalog {
  static final List<Architecture> ARCHITECTURES =
      Stream.of(70, 75, 80, 86, 89, 90).map(Architecture::of).toList();

  /** Widths of heads on tensor cores; the first two are those of most models. */
  private static final List<Integer> HEADS = List.of(64, 128, 96, 256);

  private static final List<Integer> PLAIN_HEADS = List.of(64, 128);

  /** Threads of a block where neither the kernel nor this class says more. */
  private static final int THREADS = 256;

  private KernelCatalog() {}

  /**
   * A source as it is compiled.
   *
   * @param label what tells it from other variants of the source; may be empty
   * @param threads of a block of its main kernel
   * @param dynamicShared bytes of shared memory that a launch of its main kernel asks for
   * @param main name of the main kernel, or empty if all are alike
   */
  record Variant(KernelSource source, String label, String main, int threads, int dynamicShared) {
    int threads(String kernel) {
      if (kernel.equals(main)) {
        return threads;
      }
      return kernel.equals("column_sums") ? 1024 : THREADS;
    }

    int dynamicShared(String kernel) {
      return kernel.equals(main) ? dynamicShared : 0;
    }
  }

  static List<Variant> variants(Architecture architecture) {
    List<Variant> variants = new ArrayList<>();
    for (String name : List.of("elements.cu", "rows.cu", "embedding.cu")) {
      variants.add(new Variant(KernelSource.resource(name), "", "", THREADS, 0));
    }
    DType half = architecture.major() >= 8 ? DType.BF16 : DType.F16;
    for (DType first : List.of(DType.F32, half)) {
      KernelSource gather =
          KernelSource.resource("gather.cu")
              .define("FIRST", AttentionTiles.suffix(first))
              .define("SECOND", AttentionTiles.suffix(half));
      variants.add(new Variant(gather, "", "", THREADS, 0));
    }
    for (AttentionPass pass : AttentionPass.values()) {
      HEADS.forEach(head -> variants.add(attention(pass, half, architecture, head)));
      PLAIN_HEADS.forEach(head -> variants.add(attention(pass, DType.F32, architecture, head)));
    }
    return variants;
  }

  private static Variant attention(
      AttentionPass pass, DType type, Architecture architecture, int headDim) {
    AttentionTiles tiles = AttentionTiles.of(pass, type, architecture, headDim, true);
    return new Variant(
        tiles.source(),
        "heads of " + headDim,
        tiles.kernel(),
        tiles.threads(),
        tiles.sharedBytes());
  }
}
