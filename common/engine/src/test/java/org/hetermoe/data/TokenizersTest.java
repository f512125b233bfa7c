package org.hetermoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.hetermoe.model.InvalidFieldException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizersTest {
  @TempDir private Path folder;

  /** A tokenizer of whole words that would cut texts to four tokens and add an end. */
  static Path words() {
    try {
      return Path.of(
          Objects.requireNonNull(TokenizersTest.class.getResource("tokenizer.json")).toURI());
    } catch (URISyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  @Test
  void bytesAreTheirOwnTokens() {
    try (Tokenizer tokenizer = Tokenizers.open("bytes")) {
      assertThat(tokenizer.encode("aü\n")).containsExactly(97, 0xc3, 0xbc, 10);
      assertThat(tokenizer.decode(new int[] {97, 0xc3, 0xbc, 10})).isEqualTo("aü\n");
      assertThat(tokenizer.decode(new int[] {0xff, 97, 0xc3})).isEqualTo("\uFFFDa\uFFFD");
      assertThat(tokenizer.decode(new int[] {97, 300, -1})).isEqualTo("a??");
      assertThat(tokenizer.encode(new byte[] {(byte) 0xff, 0})).containsExactly(255, 0);
      assertThat(tokenizer.vocabularySize()).isEqualTo(256);
      assertThat(tokenizer.separator()).containsExactly('\n');
      assertThat(tokenizer.id()).isEqualTo("bytes");
    }
  }

  @Test
  void runsATokenizerJson() {
    try (Tokenizer tokenizer = Tokenizers.open(words().toString())) {
      int[] ids = tokenizer.encode("the cat sat on the mat far dog");

      assertThat(ids).as("neither cut nor ended").containsExactly(2, 3, 4, 5, 2, 6, 299, 0);
      assertThat(tokenizer.encode("the cat".getBytes(StandardCharsets.UTF_8)))
          .containsExactly(2, 3);
      assertThat(tokenizer.encode("")).isEmpty();
      assertThat(tokenizer.decode(new int[] {2, 3, 299})).isEqualTo("the cat far");
      assertThat(tokenizer.decode(new int[] {2, 5000, -1, 3})).isEqualTo("the cat");
      assertThat(tokenizer.vocabularySize()).isEqualTo(300);
      assertThat(tokenizer.separator()).containsExactly(1);
      assertThat(tokenizer.id()).startsWith("huggingface:").hasSize(12 + 64);
    }
  }

  @Test
  void theConfigBesideItNamesTheEndOfText() throws IOException {
    Files.copy(words(), folder.resolve("tokenizer.json"));
    Path config = folder.resolve("tokenizer_config.json");
    Files.writeString(config, "{\"eos_token\": {\"content\": \"<unk>\"}}");
    try (Tokenizer tokenizer = Tokenizers.open(folder.toString())) {
      assertThat(tokenizer.separator()).containsExactly(0);
    }
    Files.writeString(config, "{\"eos_token\": \"<none>\"}");
    try (Tokenizer tokenizer = Tokenizers.open(folder.toString())) {
      assertThat(tokenizer.separator()).isEmpty();
    }
  }

  @Test
  void namesWhatIsNoTokenizer() throws IOException {
    assertRejected("byte", "there is no file 'byte'");
    assertRejected(folder.toString(), "there is no file");
    assertRejected("\0", "there is no file");
    Path file = folder.resolve("broken.json");
    Files.writeString(file, "{");
    assertRejected(file.toString(), "is not JSON");
    Files.writeString(file, "{}");
    assertRejected(file.toString(), "has no model.vocab");
    Files.writeString(file, "{\"model\": {\"type\": \"Magic\", \"vocab\": {\"a\": 0}}}");
    assertRejected(file.toString(), "is no usable tokenizer.json");
  }

  private static void assertRejected(String spec, String problem) {
    assertThatThrownBy(() -> Tokenizers.open(spec))
        .asInstanceOf(type(InvalidFieldException.class))
        .satisfies(
            rejection -> {
              assertThat(rejection.field()).isEqualTo("data.tokenizer");
              assertThat(rejection).hasMessageContaining(problem);
            });
  }
}
