package org.hetermoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.DataSpec;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackedTokensTest {
  private static final long SEED = 1;

  @TempDir private Path folder;
  private Path texts;
  private Path store;

  @BeforeEach
  void makeTexts() throws IOException {
    texts = Files.createDirectory(folder.resolve("texts"));
    store = folder.resolve("data").resolve("packed");
    for (int i = 0; i < 20; i++) {
      Files.writeString(texts.resolve("t%02d.txt".formatted(i)), "document " + i);
    }
  }

  @Test
  void packsAllDocumentsInAnOrderThatFollowsFromTheSeed() throws IOException {
    String first = pack(1);
    assertThat(first.split("\n")).hasSize(20).contains("document 0", "document 19");
    assertThat(first).isEqualTo(pack(1)).isNotEqualTo(pack(2));
    List<String> sorted = new ArrayList<>(List.of(first.split("\n")));
    sorted.sort(null);
    assertThat(first.split("\n")).doesNotContainSequence(sorted);
    assertThat(Set.of(pack(2).split("\n"))).isEqualTo(new HashSet<>(sorted));
  }

  @Test
  void skipsBinaryAndEmptyFiles() throws IOException {
    Files.write(texts.resolve("binary"), new byte[] {'a', 0, 'b'});
    Files.write(texts.resolve("empty"), new byte[0]);
    assertThat(pack(SEED).split("\n")).hasSize(20);

    Path only = Files.createDirectory(folder.resolve("only"));
    Files.write(only.resolve("binary"), new byte[] {'a', 0, 'b'});
    assertRejected(data(only.toString(), "bytes"), 256, "data.source", "empty or binary");
    assertThat(store).isDirectoryNotContaining("glob:**.unfinished");
  }

  @Test
  void packsOnce() throws IOException {
    pack(SEED);
    FileTime made = Files.getLastModifiedTime(packedFile());
    pack(SEED);
    assertThat(Files.getLastModifiedTime(packedFile())).isEqualTo(made);
    Files.writeString(texts.resolve("t00.txt"), "something else");
    assertThat(pack(SEED)).contains("something else");
    try (Stream<Path> files = Files.list(store)) {
      assertThat(files.filter(file -> file.toString().endsWith(".tokens"))).hasSize(2);
    }
  }

  @Test
  void packsAgainWhatIsDamaged() throws IOException {
    String text = pack(SEED);
    Path packed = packedFile();
    Path metadata = PackedMetadata.beside(packed);
    byte[] good = Files.readAllBytes(packed);
    byte[] described = Files.readAllBytes(metadata);

    byte[] flipped = good.clone();
    flipped[17] ^= 1;
    for (byte[] damaged :
        List.of(
            flipped,
            Arrays.copyOf(good, good.length - 2),
            Arrays.copyOf(good, good.length + 2),
            new byte[0])) {
      Files.write(packed, damaged);
      assertThat(pack(SEED)).isEqualTo(text);
      assertThat(packed).hasBinaryContent(good);
    }
    for (String damaged : List.of("", "{", "{}", "[]", "null", "{\"format_version\": 1}")) {
      Files.writeString(metadata, damaged);
      assertThat(pack(SEED)).as("metadata %s", damaged).isEqualTo(text);
      assertThat(metadata).hasBinaryContent(described);
    }
    Files.delete(metadata);
    assertThat(pack(SEED)).isEqualTo(text);
  }

  @Test
  void thoseWhoNeedItAtTheSameTimeShareIt()
      throws IOException, InterruptedException, ExecutionException {
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      List<Future<String>> packed = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        packed.add(threads.submit(() -> pack(SEED)));
      }
      Set<String> texts = new HashSet<>();
      for (Future<String> text : packed) {
        texts.add(text.get());
      }
      assertThat(texts).hasSize(1);
    }
  }

  @Test
  void usesATokenizerJson() throws IOException {
    for (int i = 0; i < 20; i++) {
      Files.writeString(texts.resolve("t%02d.txt".formatted(i)), "the cat far");
    }
    DataSpec data = data(texts.toString(), TokenizersTest.words().toString());
    try (PackedTokens tokens = PackedTokens.open(data, SEED, 300, store)) {
      int[] ids = all(tokens);
      assertThat(ids).hasSize(20 * 4 - 1).startsWith(2, 3, 299, 1, 2, 3, 299).endsWith(3, 299);
      assertThat(tokens.metadata().documents()).isEqualTo(20);
      assertThat(tokens.fingerprint()).startsWith("79-");
    }
    assertRejected(data, 299, "model.vocabulary", "must be at least 300");
  }

  @Test
  void cutsLongDocumentsWithoutLosingAnything() throws IOException {
    Path lines = folder.resolve("lines.txt");
    Files.writeString(lines, "zeile ü\n".repeat(150_000));
    Path endless = folder.resolve("endless.txt");
    Files.writeString(endless, "ü€".repeat(500_000));
    for (Path file : List.of(lines, endless)) {
      DataSpec data = data(file.toString(), "bytes");
      try (PackedTokens tokens = PackedTokens.open(data, SEED, 256, store)) {
        assertThat(text(tokens)).isEqualTo(Files.readString(file));
      }
    }
  }

  @Test
  void namesWhatDoesNotFit() {
    assertRejected(data("/none", "bytes"), 256, "data.source", "there is no file or folder");
    assertRejected(data(texts.toString(), "/none"), 256, "data.tokenizer", "there is no file");
    assertRejected(data(texts.toString(), "bytes"), 255, "model.vocabulary", "is 255");
  }

  private String pack(long seed) throws IOException {
    try (PackedTokens tokens =
        PackedTokens.open(data(texts.toString(), "bytes"), seed, 256, store)) {
      return text(tokens);
    }
  }

  private Path packedFile() throws IOException {
    try (Stream<Path> files = Files.list(store)) {
      return files.filter(file -> file.toString().endsWith(".tokens")).findFirst().orElseThrow();
    }
  }

  private static DataSpec data(String source, String tokenizer) {
    return new DataSpec(source, tokenizer, 8, 0.1);
  }

  private static int[] all(PackedTokens tokens) {
    int[] ids = new int[Math.toIntExact(tokens.size())];
    tokens.copy(0, ids, 0, ids.length);
    return ids;
  }

  private static String text(PackedTokens tokens) {
    int[] ids = all(tokens);
    byte[] bytes = new byte[ids.length];
    for (int i = 0; i < ids.length; i++) {
      bytes[i] = (byte) ids[i];
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private void assertRejected(DataSpec data, int vocabulary, String field, String problem) {
    assertThatThrownBy(() -> PackedTokens.open(data, SEED, vocabulary, store))
        .asInstanceOf(type(InvalidFieldException.class))
        .satisfies(
            rejection -> {
              assertThat(rejection.field()).isEqualTo(field);
              assertThat(rejection).hasMessageContaining(problem);
            });
  }
}
