package org.hetermoe.compute.cuda;

import java.util.EnumMap;
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
    private final KernelSource source;
    private final String operation;
    private final Map<DType, Kernel> byType = new EnumMap<>(DType.class);
    private final Map<DType, Map<DType, Kernel>> byTypes = new EnumMap<>(DType.class);
    private Kernel single;

    private Typed(KernelSource source, String operation) {
      this.source = source;
      this.operation = operation;
    }

    /** For operands of one type. */
    Kernel of(DType type) {
      return byType.computeIfAbsent(type, absent -> get(source, operation + "_" + suffix(type)));
    }

    /** From one type to another. */
    Kernel of(DType first, DType second) {
      return byFirst(first).computeIfAbsent(second, absent -> get(source, name(first, second)));
    }

    /**
     * From one type to another, of a source that has many kernels and is compiled for each pair of
     * types that is met.
     */
    Kernel compiledFor(DType first, DType second) {
      return byFirst(first)
          .computeIfAbsent(
              second,
              absent ->
                  get(
                      source.define("FIRST", suffix(first)).define("SECOND", suffix(second)),
                      name(first, second)));
    }

    /** Where there is one only. */
    Kernel single() {
      if (single == null) {
        single = get(source, operation);
      }
      return single;
    }

    private Map<DType, Kernel> byFirst(DType first) {
      return byTypes.computeIfAbsent(first, absent -> new EnumMap<>(DType.class));
    }

    private String name(DType first, DType second) {
      return operation + "_" + suffix(first) + "_" + suffix(second);
    }

    private Kernel get(KernelSource special, String name) {
      return Kernels.this.get(special, name);
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
