package org.hetermoe.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsFileTest {
  @TempDir private Path folder;

  @Test
  void readsWhatTransformersWrote() throws IOException {
    try (SafetensorsFile model = SafetensorsFile.open(golden("model.safetensors"));
        SafetensorsFile expected = SafetensorsFile.open(golden("expected.safetensors"));
        Arena arena = Arena.ofConfined()) {
      assertThat(model.header().metadata()).containsEntry("format", "pt");
      assertThat(model.shape("lm_head.weight")).isEqualTo(Shape.of(97, 32));
      MemorySegment head = model.floats("lm_head.weight", arena);
      assertThat(head.byteSize()).isEqualTo(97L * 32 * 4);
      MemorySegment losses = expected.floats("train_losses", arena);
      assertThat(losses.getAtIndex(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(4.73208f);
      assertThat(losses.getAtIndex(ValueLayout.JAVA_FLOAT, 19)).isEqualTo(0.18165149f);
      int[] ids = expected.ints("input_ids", arena).toArray(ValueLayout.JAVA_INT);
      assertThat(ids).hasSize(24);
      assertThat(Arrays.stream(ids)).allMatch(id -> id >= 0 && id < 97);
    }
  }

  @Test
  void convertsEveryReadableType() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
    data.putDouble(-2.5).putFloat(0.1f).putInt(-7).putLong(1L << 30);
    data.putShort((short) 0xC020); // -2.5 in BF16
    data.putShort((short) 0xC100); // -2.5 in F16
    String json =
        entry("f64", "F64", "[1]", 0, 8)
            + ","
            + entry("f32", "F32", "[]", 8, 12)
            + ","
            + entry("i32", "I32", "[1,1]", 12, 16)
            + ","
            + entry("i64", "I64", "[1]", 16, 24)
            + ","
            + entry("bf16", "BF16", "[1]", 24, 26)
            + ","
            + entry("f16", "F16", "[1]", 26, 28)
            + ","
            + entry("empty", "F32", "[0,3]", 28, 28);
    Path path = write("{" + json + "}", Arrays.copyOf(data.array(), 28));
    try (SafetensorsFile file = SafetensorsFile.open(path);
        Arena arena = Arena.ofConfined()) {
      assertThat(first(file.floats("f64", arena))).isEqualTo(-2.5f);
      assertThat(first(file.floats("f32", arena))).isEqualTo(0.1f);
      assertThat(first(file.floats("bf16", arena))).isEqualTo(-2.5f);
      assertThat(first(file.floats("f16", arena))).isEqualTo(-2.5f);
      assertThat(file.ints("i32", arena).get(ValueLayout.JAVA_INT, 0)).isEqualTo(-7);
      assertThat(file.ints("i64", arena).get(ValueLayout.JAVA_INT, 0)).isEqualTo(1 << 30);
      assertThat(file.floats("empty", arena).byteSize()).isZero();
      assertThat(file.shape("f32")).isEqualTo(Shape.of(1));
    }
  }

  @Test
  void refusesWhatDoesNotFitTheAskedType() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    data.putDouble(1e300).putLong(1L << 40).putLong(5);
    Path path =
        write(
            "{"
                + entry("d", "F64", "[1]", 0, 8)
                + ","
                + entry("l", "I64", "[1]", 8, 16)
                + ","
                + entry("u", "U64", "[1]", 16, 24)
                + "}",
            data.array());
    try (SafetensorsFile file = SafetensorsFile.open(path);
        Arena arena = Arena.ofConfined()) {
      assertRefused(() -> file.floats("d", arena), path, "d", "range of F32");
      assertRefused(() -> file.ints("l", arena), path, "l", "32 bits");
      assertRefused(() -> file.floats("l", arena), path, "l", "dtype I64");
      assertRefused(() -> file.ints("d", arena), path, "d", "dtype F64");
      assertRefused(() -> file.ints("u", arena), path, "u", "dtype U64");
      assertRefused(() -> file.floats("x", arena), path, "x", "is missing");
      assertRefused(() -> file.readFloats("d", arena.allocate(8)), path, "d", "takes 4 bytes");
      assertRefused(() -> file.readFloats("d", 1, arena.allocate(4)), path, "d", "no 1 elements");
    }
  }

  static List<Arguments> lies() {
    return List.of(
        lie("empty object inside", "{\"a\":{}}", 0, "a", "lacks dtype"),
        lie("no object", "[1]", 0, null, "not a JSON object"),
        lie("not JSON", "{\"a\":", 0, null, "not JSON"),
        lie("not JSON either", "{nonsense}", 0, null, "not JSON"),
        lie("trailing text", "{} {}", 0, null, "goes on after"),
        lie("tensor no object", "{\"a\":5}", 0, "a", "not described"),
        lie("metadata no object", "{\"__metadata__\":5}", 0, null, "__metadata__"),
        lie("metadata no text", "{\"__metadata__\":{\"a\":1}}", 0, null, "__metadata__.a"),
        lie("unknown entry", "{\"a\":{\"type\":\"F32\"}}", 0, "a", "unknown entry 'type'"),
        lie("unknown dtype", one("\"F31\"", "[1]", "[0,4]"), 4, "a", "unknown dtype F31"),
        lie("dtype no text", one("4", "[1]", "[0,4]"), 4, "a", "unknown dtype"),
        lie("shape no array", one("\"F32\"", "1", "[0,4]"), 4, "a", "not an array"),
        lie("negative extent", one("\"F32\"", "[-1]", "[0,4]"), 4, "a", "whole number"),
        lie("fractional extent", one("\"F32\"", "[1.5]", "[0,4]"), 4, "a", "whole number"),
        lie("huge extent", one("\"F32\"", "[4294967296]", "[0,4]"), 4, "a", "impossible shape"),
        lie(
            "overflowing shape",
            one("\"F32\"", "[2147483647,2147483647,4]", "[0,4]"),
            4,
            "a",
            "impossible shape"),
        lie(
            "extent beyond a long",
            one("\"F32\"", "[99999999999999999999]", "[0,4]"),
            4,
            "a",
            "whole number"),
        lie("endless rank", one("\"F32\"", "[" + "1,".repeat(40) + "1]", "[0,4]"), 4, "a", "32"),
        lie("one offset", one("\"F32\"", "[1]", "[4]"), 4, "a", "lacks"),
        lie("three offsets", one("\"F32\"", "[1]", "[0,4,8]"), 4, "a", "more than 2"),
        lie("ends before it begins", one("\"F32\"", "[1]", "[4,0]"), 4, "a", "before it begins"),
        lie("negative offset", one("\"F32\"", "[1]", "[-4,0]"), 4, "a", "whole number"),
        lie("out of file", one("\"F32\"", "[2]", "[0,8]"), 4, "a", "truncated or too short"),
        lie("wrong size", one("\"F32\"", "[3]", "[0,8]"), 8, "a", "takes 12"),
        lie("bytes left over", one("\"F32\"", "[1]", "[0,4]"), 8, null, "4 bytes after"),
        lie("hole at the start", one("\"F32\"", "[1]", "[4,8]"), 8, "a", "hole of 4"),
        lie("declared twice", two("a", "[0,4]", "a", "[4,8]"), 8, "a", "twice"),
        lie("dtype twice", "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0, "a", "dtype twice"),
        lie("overlap", two("a", "[0,4]", "b", "[2,6]"), 8, "b", "overlaps tensor 'a'"),
        lie("the same place", two("a", "[0,4]", "b", "[0,4]"), 4, "b", "overlaps tensor 'a'"),
        lie("hole between", two("a", "[0,4]", "b", "[8,12]"), 12, "b", "hole of 4"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("lies")
  void rejectsHeadersThatLie(String name, String json, int dataBytes, String tensor, String problem)
      throws IOException {
    Path path = write(json, new byte[dataBytes]);
    assertRefused(() -> SafetensorsFile.open(path), path, tensor, problem);
  }

  @Test
  void rejectsFilesThatAreNoSafetensors() throws IOException {
    Path none = folder.resolve("none");
    assertRefused(() -> SafetensorsFile.open(none), none, null, "does not exist");
    assertRefused(() -> SafetensorsFile.open(folder), folder, null, "is not a file");
    Path empty = Files.write(folder.resolve("empty"), new byte[0]);
    assertRefused(() -> SafetensorsFile.open(empty), empty, null, "has 0 bytes");
    Path prefix = Files.write(folder.resolve("prefix"), new byte[7]);
    assertRefused(() -> SafetensorsFile.open(prefix), prefix, null, "has 7 bytes");
    Path beyond = Files.write(folder.resolve("beyond"), prefix(50, 10));
    assertRefused(() -> SafetensorsFile.open(beyond), beyond, null, "truncated within the header");
    Path huge = Files.write(folder.resolve("huge"), prefix(100_000_001L, 10));
    assertRefused(() -> SafetensorsFile.open(huge), huge, null, "most allowed");
    Path negative = Files.write(folder.resolve("negative"), prefix(-1, 10));
    assertRefused(() -> SafetensorsFile.open(negative), negative, null, "18446744073709551615");
    Path zero = Files.write(folder.resolve("zero"), prefix(0, 0));
    assertRefused(() -> SafetensorsFile.open(zero), zero, null, "not a JSON object");
  }

  @Test
  void rejectsEveryTruncationOfARealFile() throws IOException {
    byte[] whole = Files.readAllBytes(golden("model.safetensors"));
    for (int bytes = 0; bytes < whole.length; bytes += 1 + bytes / 7) {
      Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(whole, bytes));
      assertThatThrownBy(() -> SafetensorsFile.open(cut))
          .as("cut to %d bytes", bytes)
          .isInstanceOf(SafetensorsException.class)
          .hasMessageContaining("truncated");
    }
  }

  @Test
  void writesWhatItReads() throws IOException {
    Path path = folder.resolve("written.safetensors");
    Map<String, Shape> shapes = new LinkedHashMap<>();
    shapes.put("z \"quoted\" ü", Shape.of(2, 3));
    shapes.put("empty", Shape.of(0, 5));
    shapes.put("a", Shape.of(1));
    SafetensorsHeader header =
        SafetensorsHeader.forFloats("written", shapes, Map.of("format", "pt"));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment six = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4, 5, -6.5f);
      MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_FLOAT, Float.NaN);
      SafetensorsWriter.write(
          channel(path),
          header,
          Map.of("a", one, "z \"quoted\" ü", six, "empty", MemorySegment.NULL));
      assertThat(Files.size(path)).isEqualTo(header.totalBytes());
      assertThat(header.dataOffset() % 8).isZero();
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        assertThat(file.tensors()).isEqualTo(header.tensors());
        assertThat(file.tensors().keySet()).containsExactly("z \"quoted\" ü", "empty", "a");
        assertThat(file.floats("z \"quoted\" ü", arena).mismatch(six)).isEqualTo(-1);
        assertThat(file.floats("a", arena).mismatch(one)).isEqualTo(-1);
      }
    }
  }

  @Test
  void theWriterRefusesWhatTheHeaderDoesNotSay() throws IOException {
    SafetensorsHeader header =
        SafetensorsHeader.forFloats("file", Map.of("a", Shape.of(2)), Map.of());
    Path path = folder.resolve("refused");
    try (Arena arena = Arena.ofConfined();
        SafetensorsWriter writer = new SafetensorsWriter(channel(path), header)) {
      Path file = Path.of("file");
      assertRefused(() -> writer.write("b", arena.allocate(8)), file, "b", "'a' is due");
      assertRefused(() -> writer.write("a", arena.allocate(4)), file, "a", "takes 8 bytes");
      assertRefused(writer::finish, file, "a", "was not written");
      writer.write("a", arena.allocate(8));
      writer.finish();
      assertRefused(() -> writer.write("a", arena.allocate(8)), file, "a", "the end is due");
    }
  }

  private static WritableChannel channel(Path path) throws IOException {
    return new WritableChannel(
        FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE));
  }

  /** Takes a few bytes at a time, as a socket may. */
  private record WritableChannel(FileChannel file)
      implements java.nio.channels.WritableByteChannel {
    @Override
    public int write(ByteBuffer source) throws IOException {
      int bytes = Math.min(5, source.remaining());
      ByteBuffer few = source.slice(source.position(), bytes);
      source.position(source.position() + bytes);
      return file.write(few);
    }

    @Override
    public boolean isOpen() {
      return file.isOpen();
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }

  private static void assertRefused(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call,
      Path file,
      String tensor,
      String problem) {
    assertThatThrownBy(call)
        .asInstanceOf(type(SafetensorsException.class))
        .satisfies(
            refusal -> {
              assertThat(refusal.file()).isEqualTo(file.toString());
              assertThat(refusal.tensor()).isEqualTo(tensor);
              assertThat(refusal).hasMessageContaining(problem);
              assertThat(refusal).hasMessageStartingWith(file.toString());
            });
  }

  private static Arguments lie(
      String name, String json, int dataBytes, String tensor, String problem) {
    return Arguments.of(name, json, dataBytes, tensor, problem);
  }

  private static String one(String dtype, String shape, String offsets) {
    return "{\"a\":{\"dtype\":%s,\"shape\":%s,\"data_offsets\":%s}}"
        .formatted(dtype, shape, offsets);
  }

  private static String two(String first, String at, String second, String then) {
    String tensor = "\"%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":%s}";
    return "{" + tensor.formatted(first, at) + "," + tensor.formatted(second, then) + "}";
  }

  private static String entry(String name, String dtype, String shape, long begin, long end) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
        .formatted(name, dtype, shape, begin, end);
  }

  private static byte[] prefix(long length, int more) {
    return ByteBuffer.allocate(8 + more).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
  }

  private Path write(String json, byte[] data) throws IOException {
    byte[] header = json.getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(8 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(header.length).put(header).put(data);
    return Files.write(folder.resolve("crafted.safetensors"), file.array());
  }

  private static float first(MemorySegment floats) {
    return floats.get(ValueLayout.JAVA_FLOAT, 0);
  }

  private static Path golden(String file) {
    return Golden.folder("mixtral-a").resolve(file);
  }
}
