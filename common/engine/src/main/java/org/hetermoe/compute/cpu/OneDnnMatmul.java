package org.hetermoe.compute.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.hetermoe.tensor.DType;

/**
 * Products by oneDNN's matmul primitive, operands of a given type, sums and result of single
 * precision. A primitive is made for the sizes and strides of its operands at their first product,
 * and kept until this is closed; it has no state, so any number of threads execute it at once, each
 * with scratch memory of its own (dnnl_scratchpad_mode_user).
 *
 * <p>Names and numbers are those of oneDNN's headers dnnl.h, dnnl_types.h, dnnl_common.h and
 * dnnl_common_types.h, version 3.13.
 */
final class OneDnnMatmul implements Bf16Product {
  private static final int CPU_ENGINE = 1;
  private static final int IN_ORDER_STREAM = 1;
  private static final int USER_SCRATCHPAD = 1;
  private static final int SCRATCHPAD_DESCRIPTOR = 136;

  private static final int SOURCE = 1;
  private static final int DESTINATION = 17;
  private static final int WEIGHTS = 33;
  private static final int SCRATCHPAD = 80;

  private static final AddressLayout HANDLE = ADDRESS;

  /** dnnl_exec_arg_t: which argument, and its memory. */
  private static final StructLayout ARGUMENT =
      MemoryLayout.structLayout(JAVA_INT, MemoryLayout.paddingLayout(4), HANDLE);

  private static final MethodHandle ENGINE_CREATE =
      OneDnn.function(
          "dnnl_engine_create", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG));
  private static final MethodHandle STREAM_CREATE =
      OneDnn.function(
          "dnnl_stream_create", FunctionDescriptor.of(JAVA_INT, ADDRESS, HANDLE, JAVA_INT));
  private static final MethodHandle STREAM_WAIT = ofHandle("dnnl_stream_wait");
  private static final MethodHandle STREAM_DESTROY = ofHandle("dnnl_stream_destroy");
  private static final MethodHandle DESCRIPTOR_CREATE =
      OneDnn.function(
          "dnnl_memory_desc_create_with_strides",
          FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS));
  private static final MethodHandle DESCRIPTOR_DESTROY = ofHandle("dnnl_memory_desc_destroy");
  private static final MethodHandle DESCRIPTOR_SIZE =
      OneDnn.function("dnnl_memory_desc_get_size", FunctionDescriptor.of(JAVA_LONG, HANDLE));
  private static final MethodHandle ATTRIBUTES_CREATE =
      OneDnn.function("dnnl_primitive_attr_create", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle ATTRIBUTES_SET_SCRATCHPAD =
      OneDnn.function(
          "dnnl_primitive_attr_set_scratchpad_mode",
          FunctionDescriptor.of(JAVA_INT, HANDLE, JAVA_INT));
  private static final MethodHandle ATTRIBUTES_DESTROY = ofHandle("dnnl_primitive_attr_destroy");
  private static final MethodHandle MATMUL_CREATE =
      OneDnn.function(
          "dnnl_matmul_primitive_desc_create",
          FunctionDescriptor.of(JAVA_INT, ADDRESS, HANDLE, HANDLE, HANDLE, HANDLE, HANDLE, HANDLE));
  private static final MethodHandle MATMUL_QUERY =
      OneDnn.function(
          "dnnl_primitive_desc_query_md",
          FunctionDescriptor.of(HANDLE, HANDLE, JAVA_INT, JAVA_INT));
  private static final MethodHandle MATMUL_DESTROY = ofHandle("dnnl_primitive_desc_destroy");
  private static final MethodHandle PRIMITIVE_CREATE =
      OneDnn.function("dnnl_primitive_create", FunctionDescriptor.of(JAVA_INT, ADDRESS, HANDLE));
  private static final MethodHandle PRIMITIVE_EXECUTE =
      OneDnn.function(
          "dnnl_primitive_execute",
          FunctionDescriptor.of(JAVA_INT, HANDLE, HANDLE, JAVA_INT, ADDRESS));
  private static final MethodHandle PRIMITIVE_DESTROY = ofHandle("dnnl_primitive_destroy");
  private static final MethodHandle MEMORY_CREATE =
      OneDnn.function(
          "dnnl_memory_create",
          FunctionDescriptor.of(JAVA_INT, ADDRESS, HANDLE, HANDLE, JAVA_LONG));
  private static final MethodHandle MEMORY_DESTROY = ofHandle("dnnl_memory_destroy");

  /** The processor. */
  private static final MemorySegment ENGINE = engine();

  private final int type;
  private final Map<Sizes, Primitive> primitives = new ConcurrentHashMap<>();

  /**
   * Products of a type.
   *
   * @param type of the operands: F32 or BF16
   */
  OneDnnMatmul(DType type) {
    this.type = number(type);
  }

  /** The dnnl_data_type_t of a type. */
  static int number(DType type) {
    return switch (type) {
      case F16 -> 1;
      case BF16 -> 2;
      case F32 -> 3;
      case I32 -> 4;
    };
  }

  /**
   * {@inheritDoc} The operands are of this object's type.
   *
   * @throws IllegalStateException if oneDNN has no such product here
   */
  @Override
  public void multiply(
      boolean transposeA,
      boolean transposeB,
      int m,
      int n,
      int k,
      long a,
      long lda,
      long b,
      long ldb,
      long c,
      Scratch scratch) {
    // Also while a primitive is made: it is cut for as many threads as there are then.
    OneDnn.computeOnOneThread();
    Primitive primitive =
        primitives.computeIfAbsent(
            new Sizes(transposeA, transposeB, m, n, k, lda, ldb), this::make);
    primitive.execute(a, b, c, scratch);
  }

  @Override
  public void close() {
    primitives.values().forEach(Primitive::close);
    primitives.clear();
  }

  private Primitive make(Sizes sizes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment source = descriptor(arena, sizes.m, sizes.k, type, sizes.transposeA, sizes.lda);
      MemorySegment weights =
          descriptor(arena, sizes.k, sizes.n, type, sizes.transposeB, sizes.ldb);
      MemorySegment destination =
          descriptor(arena, sizes.m, sizes.n, number(DType.F32), false, sizes.n);
      MemorySegment out = arena.allocate(HANDLE);
      check("dnnl_primitive_attr_create", (int) ATTRIBUTES_CREATE.invokeExact(out));
      MemorySegment attributes = out.get(HANDLE, 0);
      check(
          "dnnl_primitive_attr_set_scratchpad_mode",
          (int) ATTRIBUTES_SET_SCRATCHPAD.invokeExact(attributes, USER_SCRATCHPAD));
      int status =
          (int)
              MATMUL_CREATE.invokeExact(
                  out, ENGINE, source, weights, MemorySegment.NULL, destination, attributes);
      check("dnnl_primitive_attr_destroy", (int) ATTRIBUTES_DESTROY.invokeExact(attributes));
      if (status != 0) {
        throw new IllegalStateException(
            "dnnl_matmul_primitive_desc_create refused operands of type %d, %s with status %d"
                .formatted(type, sizes, status));
      }
      MemorySegment matmul = out.get(HANDLE, 0);
      // It belongs to the primitive's description, which therefore stays as long as it.
      MemorySegment scratchpad =
          (MemorySegment) MATMUL_QUERY.invokeExact(matmul, SCRATCHPAD_DESCRIPTOR, 0);
      long scratchpadBytes = (long) DESCRIPTOR_SIZE.invokeExact(scratchpad);
      check("dnnl_primitive_create", (int) PRIMITIVE_CREATE.invokeExact(out, matmul));
      return new Primitive(
          out.get(HANDLE, 0), matmul, source, weights, destination, scratchpad, scratchpadBytes);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) { // what invokeExact declares
      throw new IllegalStateException("making a product of oneDNN failed", e);
    }
  }

  /** A matrix of rows and columns; stored the other way round if transposed. */
  private static MemorySegment descriptor(
      Arena arena, long rows, long columns, int type, boolean transposed, long stride)
      throws Throwable {
    MemorySegment out = arena.allocate(HANDLE);
    MemorySegment dims = arena.allocateFrom(ValueLayout.JAVA_LONG, rows, columns);
    MemorySegment strides =
        transposed
            ? arena.allocateFrom(ValueLayout.JAVA_LONG, 1, stride)
            : arena.allocateFrom(ValueLayout.JAVA_LONG, stride, 1);
    check(
        "dnnl_memory_desc_create_with_strides",
        (int) DESCRIPTOR_CREATE.invokeExact(out, 2, dims, type, strides));
    return out.get(HANDLE, 0);
  }

  private static MemorySegment engine() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(HANDLE);
      check("dnnl_engine_create", (int) ENGINE_CREATE.invokeExact(out, CPU_ENGINE, 0L));
      return out.get(HANDLE, 0);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) { // what invokeExact declares
      throw new IllegalStateException("the call of dnnl_engine_create failed", e);
    }
  }

  private static MethodHandle ofHandle(String name) {
    return OneDnn.function(name, FunctionDescriptor.of(JAVA_INT, HANDLE));
  }

  private static void destroy(MethodHandle destroyer, MemorySegment handle) {
    try {
      check("a destructor of oneDNN", (int) destroyer.invokeExact(handle));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) { // what invokeExact declares
      throw new IllegalStateException("a destructor of oneDNN failed", e);
    }
  }

  private static void check(String function, int status) {
    if (status != 0) {
      throw new IllegalStateException(function + " failed with status " + status);
    }
  }

  /** What a primitive is made for; as in {@link #multiply}. */
  private record Sizes(
      boolean transposeA, boolean transposeB, int m, int n, int k, long lda, long ldb) {}

  /** A product of given sizes; the descriptors are those of its arguments. */
  private record Primitive(
      MemorySegment primitive,
      MemorySegment matmul,
      MemorySegment source,
      MemorySegment weights,
      MemorySegment destination,
      MemorySegment scratchpad,
      long scratchpadBytes) {

    void execute(long a, long b, long c, Scratch scratch) {
      long room =
          scratch.operand(ShortProducts.FREE_SLOT, Math.ceilDiv(scratchpadBytes, Float.BYTES));
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment out = arena.allocate(HANDLE);
        check("dnnl_stream_create", (int) STREAM_CREATE.invokeExact(out, ENGINE, IN_ORDER_STREAM));
        MemorySegment stream = out.get(HANDLE, 0);
        int count = scratchpadBytes == 0 ? 3 : 4;
        MemorySegment arguments = arena.allocate(ARGUMENT, count);
        argument(arguments, 0, SOURCE, out, source, a);
        argument(arguments, 1, WEIGHTS, out, weights, b);
        argument(arguments, 2, DESTINATION, out, destination, c);
        if (count == 4) {
          argument(arguments, 3, SCRATCHPAD, out, scratchpad, room);
        }
        int status = (int) PRIMITIVE_EXECUTE.invokeExact(primitive, stream, count, arguments);
        int waited = (int) STREAM_WAIT.invokeExact(stream);
        for (int i = 0; i < count; i++) {
          destroy(
              MEMORY_DESTROY, arguments.get(HANDLE, i * ARGUMENT.byteSize() + HANDLE.byteSize()));
        }
        destroy(STREAM_DESTROY, stream);
        check("dnnl_primitive_execute", status);
        check("dnnl_stream_wait", waited);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) { // what invokeExact declares
        throw new IllegalStateException("the call of dnnl_primitive_execute failed", e);
      }
    }

    private static void argument(
        MemorySegment arguments,
        int place,
        int argument,
        MemorySegment out,
        MemorySegment descriptor,
        long address)
        throws Throwable {
      check(
          "dnnl_memory_create", (int) MEMORY_CREATE.invokeExact(out, descriptor, ENGINE, address));
      long at = place * ARGUMENT.byteSize();
      arguments.set(JAVA_INT, at, argument);
      arguments.set(HANDLE, at + HANDLE.byteSize(), out.get(HANDLE, 0));
    }

    void close() {
      destroy(PRIMITIVE_DESTROY, primitive);
      destroy(MATMUL_DESTROY, matmul);
      destroy(DESCRIPTOR_DESTROY, source);
      destroy(DESCRIPTOR_DESTROY, weights);
      destroy(DESCRIPTOR_DESTROY, destination);
    }
  }
}
