package org.hetermoe.data;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.hetermoe.model.InvalidFieldException;

/** A Hugging Face {@code tokenizer.json}, run by Hugging Face's own library. */
public final class SubwordTokenizer implements Tokenizer {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What end-of-text tokens are called where no tokenizer_config.json says so. */
  private static final List<String> END_NAMES =
      List.of("</s>", "<|endoftext|>", "<|end_of_text|>", "<eos>", "<|eot_id|>", "[EOS]");

  private final HuggingFaceTokenizer library;
  private final String id;
  private final int vocabularySize;
  private final int[] separator;

  private SubwordTokenizer(
      HuggingFaceTokenizer library, String id, int vocabularySize, int[] separator) {
    this.library = library;
    this.id = id;
    this.vocabularySize = vocabularySize;
    this.separator = separator;
  }

  /**
   * Opens a {@code tokenizer.json}. The end-of-text token, if there is one, is the {@code
   * eos_token} of a {@code tokenizer_config.json} beside it, or an added token with one of the
   * usual names.
   *
   * @throws InvalidFieldException about {@code data.tokenizer} if it is no such file
   */
  static SubwordTokenizer open(Path file) {
    byte[] content;
    JsonNode root;
    try {
      content = Files.readAllBytes(file);
      root = JSON.readTree(content);
    } catch (JsonProcessingException malformed) {
      throw unusable(file, "is not JSON: " + malformed.getOriginalMessage(), malformed);
    } catch (IOException unreadable) {
      throw unusable(file, "cannot be read: " + unreadable.getMessage(), unreadable);
    }
    int vocabularySize = vocabularySize(root);
    if (vocabularySize == 0) {
      throw unusable(file, "is no tokenizer.json: it has no model.vocab", null);
    }
    return new SubwordTokenizer(
        load(file, content),
        "huggingface:" + Digests.sha256(content),
        vocabularySize,
        separator(root, endName(file)));
  }

  private static HuggingFaceTokenizer load(Path file, byte[] content) {
    // The library's native parts lie in its jar; these keep it from looking for others elsewhere.
    System.setProperty("RUST_FLAVOR", "cpu");
    System.setProperty("DJL_OFFLINE", "true");
    try {
      return HuggingFaceTokenizer.newInstance(
          new ByteArrayInputStream(content),
          Map.of("truncation", "false", "padding", "false", "addSpecialTokens", "false"));
    } catch (IOException | RuntimeException failure) {
      throw unusable(file, "is no usable tokenizer.json: " + failure.getMessage(), failure);
    } catch (LinkageError failure) {
      throw unusable(
          file,
          "needs a native library that does not load here ("
              + failure.getMessage()
              + "); use 'bytes'",
          failure);
    }
  }

  @Override
  public int[] encode(String text) {
    long[] ids = library.encode(text, false, false).getIds();
    int[] narrowed = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      narrowed[i] = Math.toIntExact(ids[i]);
    }
    return narrowed;
  }

  @Override
  public int[] encode(byte[] utf8) {
    return encode(new String(utf8, StandardCharsets.UTF_8));
  }

  /** Ids beyond the vocabulary, which a larger model may give, are left out. */
  @Override
  public String decode(int[] ids) {
    return library.decode(
        Arrays.stream(ids).filter(id -> id >= 0 && id < vocabularySize).asLongStream().toArray(),
        false);
  }

  @Override
  public int vocabularySize() {
    return vocabularySize;
  }

  @Override
  public int[] separator() {
    return separator.clone();
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public void close() {
    library.close();
  }

  /** One more than the largest id of any token; ids may have holes. */
  private static int vocabularySize(JsonNode root) {
    JsonNode vocabulary = root.path("model").path("vocab");
    int size = vocabulary.isArray() ? vocabulary.size() : 0;
    if (vocabulary.isObject()) {
      for (JsonNode id : vocabulary) {
        size = Math.max(size, id.asInt() + 1);
      }
    }
    for (JsonNode added : root.path("added_tokens")) {
      size = Math.max(size, added.path("id").asInt() + 1);
    }
    return size;
  }

  private static List<String> endName(Path file) {
    Path config = file.toAbsolutePath().resolveSibling("tokenizer_config.json");
    if (Files.exists(config)) {
      try {
        JsonNode end = JSON.readTree(config.toFile()).path("eos_token");
        String name = end.isObject() ? end.path("content").asText() : end.asText();
        if (!end.isMissingNode() && !end.isNull()) {
          return List.of(name);
        }
      } catch (IOException unreadable) {
        throw unusable(config, "cannot be read: " + unreadable.getMessage(), unreadable);
      }
    }
    return END_NAMES;
  }

  private static int[] separator(JsonNode root, List<String> names) {
    for (String name : names) {
      for (JsonNode added : root.path("added_tokens")) {
        if (added.path("content").asText().equals(name)) {
          return new int[] {added.path("id").asInt()};
        }
      }
    }
    return new int[0];
  }

  private static InvalidFieldException unusable(Path file, String problem, Throwable cause) {
    InvalidFieldException unusable =
        new InvalidFieldException("data.tokenizer", "'" + file + "' " + problem);
    if (cause != null) {
      unusable.initCause(cause);
    }
    return unusable;
  }
}
