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
    return new Typed(source, operation);
  }

  @Override
  public void close() {
    modules.values().forEach(KernelModule::close);
    modules.clear();
  }

  /** The kernels of one operation: {@code rms_norm_f32}, {@code gather_f32_bf16}. */
  final class Typed {
    private static final int TYPES = 4;

    private final String source;
    private final String operation;
    private final Kernel[] kernels = new Kernel[TYPES * TYPES];

    private Typed(String source, String operation) {
      this.source = source;
      this.operation = operation;
    }

    /** For operands of one type. */
    Kernel of(DType type) {
      return get(type.ordinal(), "_" + suffix(type));
    }

    /** From one type to another, or for two operands of their own types. */
    Kernel of(DType first, DType second) {
      return get(
          first.ordinal() * TYPES + second.ordinal(), "_" + suffix(first) + "_" + suffix(second));
    }

    /** Where there is one only. */
    Kernel single() {
      return get(0, "");
    }

    private Kernel get(int index, String suffix) {
      Kernel kernel = kernels[index];
      if (kernel == null) {
        kernel = Kernels.this.get(KernelSource.resource(source + ".cu"), operation + suffix);
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
