package org.hetermoe.compute.cuda;

import java.util.HashMap;
import java.util.Map;
import org.hetermoe.compute.cuda.compile.Architecture;
import org.hetermoe.compute.cuda.compile.KernelCache;
import org.hetermoe.compute.cuda.compile.KernelSource;
import org.hetermoe.compute.cuda.driver.Context;
import org.hetermoe.compute.cuda.driver.Kernel;
import org.hetermoe.compute.cuda.driver.KernelModule;
import org.hetermoe.tensor.DType;

/** The kernels of one device; a source is compiled, or read from disk, at its first use. */
final class Kernels implements AutoCloseable {
  private final Context context;
  private final KernelCache cache;
  private final Architecture architecture;
  private final Map<KernelSource, KernelModule> modules = new HashMap<>();

  Kernels(Context context, KernelCache cache) {
    this.context = context;
    this.cache = cache;
    this.architecture = new Architecture(context.device().major(), context.device().minor());
  }

  Architecture architecture() {
    return architecture;
  }

  /** A kernel of a source. */
  Kernel get(KernelSource source, String name) {
    return modules
        .computeIfAbsent(
            source, absent -> context.load(cache.load(source, architecture), source.toString()))
        .kernel(name);
  }

  /** Kernels that differ in the types of their operands. */
  Typed typed(String source, String operation) {
    return new Typed(KernelSource.resource(source + ".cu"), operation);
  }

  @Override
  public void close() {
    modules.values().forEach(KernelModule::close);
    modules.clear();
  }

  /** The kernels of one operation: {@code rms_norm_f32}, {@code gather_f32_bf16}. */
  final class Typed {
    private static final int TYPES = 4;

    private final KernelSource source;
    private final String operation;
    private final Kernel[] kernels = new Kernel[TYPES * TYPES];

    private Typed(KernelSource source, String operation) {
      this.source = source;
      this.operation = operation;
    }

    /** For operands of one type. */
    Kernel of(DType type) {
      return get(type.ordinal(), source, "_" + suffix(type));
    }

    /** From one type to another. */
    Kernel of(DType first, DType second) {
      return get(index(first, second), source, "_" + suffix(first) + "_" + suffix(second));
    }

    /**
     * From one type to another, of a source that has many kernels and is compiled for each pair of
     * types that is met.
     */
    Kernel compiledFor(DType first, DType second) {
      int index = index(first, second);
      return kernels[index] != null
          ? kernels[index]
          : get(
              index,
              source.define("FIRST", suffix(first)).define("SECOND", suffix(second)),
              "_" + suffix(first) + "_" + suffix(second));
    }

    private static int index(DType first, DType second) {
      return first.ordinal() * TYPES + second.ordinal();
    }

    /** Where there is one only. */
    Kernel single() {
      return get(0, source, "");
    }

    private Kernel get(int index, KernelSource special, String suffix) {
      Kernel kernel = kernels[index];
      if (kernel == null) {
        kernel = Kernels.this.get(special, operation + suffix);
        kernels[index] = kernel;
      }
      return kernel;
    }

    private static String suffix(DType type) {
      return switch (type) {
        case F32 -> "f32";
        case F16 -> "f16";
        case BF16 -> "bf16";
        case I32 -> throw new IllegalArgumentException("no kernel computes with " + type);
      };
    }
  }
}
