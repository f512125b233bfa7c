package org.hetermoe.weights;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.hetermoe.tensor.Shape;

/**
 * A safetensors file, mapped into memory. Tensors are read by several threads at once if need be;
 * close it when none reads any more.
 */
public final class SafetensorsFile implements AutoCloseable {
  private final Arena arena;
  private final SafetensorsHeader header;
  private final MemorySegment data;

  private SafetensorsFile(Arena arena, SafetensorsHeader header, MemorySegment data) {
    this.arena = arena;
    this.header = header;
    this.data = data;
  }

  /**
   * Maps a file and checks its header.
   *
   * @throws SafetensorsException if there is no such file or its header lies
   * @throws IOException if it cannot be read
   */
  public static SafetensorsFile open(Path path) throws IOException {
    String file = path.toString();
    if (!Files.exists(path)) {
      throw new SafetensorsException(file, "does not exist");
    }
    if (!Files.isRegularFile(path)) {
      throw new SafetensorsException(file, "is not a file");
    }
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long bytes = channel.size();
      MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes, arena);
      byte[] prefix =
          all.asSlice(0, Math.min(bytes, SafetensorsHeader.PREFIX_BYTES))
              .toArray(ValueLayout.JAVA_BYTE);
      int jsonBytes = SafetensorsHeader.jsonBytes(file, prefix, bytes);
      byte[] json =
          all.asSlice(SafetensorsHeader.PREFIX_BYTES, jsonBytes).toArray(ValueLayout.JAVA_BYTE);
      SafetensorsHeader header = SafetensorsHeader.parse(file, json, bytes);
      return new SafetensorsFile(arena, header, all.asSlice(header.dataOffset()));
    } catch (IOException | RuntimeException failure) {
      arena.close();
      throw failure;
    }
  }

  /** The file's header. */
  public SafetensorsHeader header() {
    return header;
  }

  /** The tensors by name, in the header's order. */
  public Map<String, TensorInfo> tensors() {
    return header.tensors();
  }

  /** Whether there is a tensor of that name. */
  public boolean contains(String name) {
    return header.tensors().containsKey(name);
  }

  /** Extents of a tensor. */
  public Shape shape(String name) throws SafetensorsException {
    return header.tensor(name).shape();
  }

  /**
   * Reads a tensor of floating-point numbers (F32, BF16, F16, F64) as F32.
   *
   * @param target where to; exactly the tensor's elements, four bytes each
   * @throws SafetensorsException if there is no such tensor, it holds no floating-point numbers, a
   *     finite element leaves the range of F32, or {@code target} has another size
   */
  public void readFloats(String name, MemorySegment target) throws SafetensorsException {
    TensorInfo tensor = header.tensor(name);
    checkSize(tensor, target);
    readFloats(name, 0, target);
  }

  /**
   * Reads consecutive elements of a tensor of floating-point numbers as F32.
   *
   * @param from the first element
   * @param target where to; its size, four bytes each, says how many elements
   * @throws SafetensorsException as {@link #readFloats(String, MemorySegment)}
   */
  public void readFloats(String name, long from, MemorySegment target) throws SafetensorsException {
    TensorInfo tensor = header.tensor(name);
    long elements = target.byteSize() / Float.BYTES;
    if (from < 0 || from > tensor.shape().elements() - elements) {
      throw new SafetensorsException(
          header.file(),
          name,
          "has no " + elements + " elements from " + from + " on: its shape is " + tensor.shape());
    }
    int size = tensor.type().bytes();
    MemorySegment source = data.asSlice(tensor.begin() + from * size, elements * size);
    switch (tensor.type()) {
      case F32 -> Elements.copy(source, target);
      case BF16 -> Elements.widenBrain(source, target);
      case F16 -> Elements.widenHalf(source, target);
      case F64 -> {
        long beyond = Elements.narrowDouble(source, target);
        if (beyond >= 0) {
          throw new SafetensorsException(
              header.file(),
              name,
              "has an element beyond the range of F32: number " + (from + beyond));
        }
      }
      default ->
          throw new SafetensorsException(
              header.file(),
              name,
              "has dtype " + tensor.type() + ", where F32, BF16, F16 or F64 is needed");
    }
  }

  /**
   * Reads a tensor of whole numbers (I32, I64) as I32.
   *
   * @param target where to; exactly the tensor's elements, four bytes each
   * @throws SafetensorsException if there is no such tensor, it holds other than I32 or I64, an
   *     element does not fit, or {@code target} has another size
   */
  public void readInts(String name, MemorySegment target) throws SafetensorsException {
    TensorInfo tensor = header.tensor(name);
    checkSize(tensor, target);
    MemorySegment source = data.asSlice(tensor.begin(), tensor.bytes());
    switch (tensor.type()) {
      case I32 -> Elements.copy(source, target);
      case I64 -> {
        long beyond = Elements.narrowLong(source, target);
        if (beyond >= 0) {
          throw new SafetensorsException(
              header.file(), name, "has an element that does not fit 32 bits: number " + beyond);
        }
      }
      default ->
          throw new SafetensorsException(
              header.file(), name, "has dtype " + tensor.type() + ", where I32 or I64 is needed");
    }
  }

  /** Reads a tensor into new memory as F32. */
  public MemorySegment floats(String name, Arena arena) throws SafetensorsException {
    MemorySegment target =
        arena.allocate(header.tensor(name).shape().elements() * Float.BYTES, Elements.ALIGNMENT);
    readFloats(name, target);
    return target;
  }

  /** Reads a tensor into new memory as I32. */
  public MemorySegment ints(String name, Arena arena) throws SafetensorsException {
    MemorySegment target =
        arena.allocate(header.tensor(name).shape().elements() * Integer.BYTES, Elements.ALIGNMENT);
    readInts(name, target);
    return target;
  }

  /** Unmaps the file. */
  @Override
  public void close() {
    arena.close();
  }

  private void checkSize(TensorInfo tensor, MemorySegment target) throws SafetensorsException {
    long needed = tensor.shape().elements() * Integer.BYTES;
    if (target.byteSize() != needed) {
      throw new SafetensorsException(
          header.file(),
          tensor.name(),
          "has shape "
              + tensor.shape()
              + " and takes "
              + needed
              + " bytes of memory, not "
              + target.byteSize());
    }
  }
}
