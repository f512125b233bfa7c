package org.hetermoe.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.hetermoe.tensor.Shape;
import org.hetermoe.weights.SafetensorsException;
import org.hetermoe.weights.SafetensorsFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShardFormatTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 64, 1 << 20})
  void streamsASafetensorsFileInChunks(int chunkBytes)
      throws IOException, NoSuchAlgorithmException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment weight = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, -2, 3.5f);
      MemorySegment moment = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 4, 5);
      Map<String, Shard.Entry> tensors = new LinkedHashMap<>();
      tensors.put("w", new Shard.Entry(Shape.of(3), weight));
      tensors.put("none", new Shard.Entry(Shape.of(0, 4), arena.allocate(0)));
      tensors.put(Shard.firstMoment("w"), new Shard.Entry(Shape.of(1, 2), moment));
      ShardFormat format = ShardFormat.of("expert-0", new Shard(tensors));

      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      int chunks = 0;
      for (ByteBuffer chunk : format.chunks(chunkBytes)) {
        chunks++;
        if (chunks < format.chunkCount(chunkBytes)) {
          assertThat(chunk.remaining()).isEqualTo(chunkBytes);
        }
        byte[] content = new byte[chunk.remaining()];
        chunk.get(content);
        bytes.write(content);
      }

      assertThat(chunks).isEqualTo(format.chunkCount(chunkBytes));
      assertThat((long) bytes.size()).isEqualTo(format.totalBytes());
      assertThat(format.open().readAllBytes()).isEqualTo(bytes.toByteArray());
      assertThat(format.sha256())
          .isEqualTo(
              HexFormat.of()
                  .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.toByteArray())));
      Path path = Files.write(folder.resolve("shard.safetensors"), bytes.toByteArray());
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        assertThat(file.tensors()).isEqualTo(format.header().tensors());
        assertThat(file.floats("w", arena).mismatch(weight)).isEqualTo(-1);
        assertThat(file.floats("optimizer.m.w", arena).mismatch(moment)).isEqualTo(-1);
      }
    }
  }

  @Test
  void refusesMemoryOfAnotherSizeByName() {
    Shard shard =
        new Shard(Map.of("w", new Shard.Entry(Shape.of(3), MemorySegment.ofArray(new byte[8]))));
    assertThatThrownBy(() -> ShardFormat.of("expert-0", shard))
        .isInstanceOf(SafetensorsException.class)
        .hasMessage("expert-0: tensor 'w' takes 12 bytes, but has 8 to write");
  }
}
