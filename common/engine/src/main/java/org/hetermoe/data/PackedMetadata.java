package org.hetermoe.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * What a file of packed tokens holds and how it came about.
 *
 * @param formatVersion {@link #FORMAT_VERSION}
 * @param source the source as the run file named it
 * @param sourceFingerprint changes with the source's content
 * @param tokenizer id of the tokenizer
 * @param tokenBytes size of a token, 2 (unsigned) or 4, little-endian
 * @param seed decided the order of the documents
 * @param documents how many there are
 * @param tokens how many there are
 * @param checksum CRC-32C of the file
 */
record PackedMetadata(
    int formatVersion,
    String source,
    String sourceFingerprint,
    String tokenizer,
    int tokenBytes,
    long seed,
    int documents,
    long tokens,
    long checksum) {
  /** Goes up when the same text, tokenizer and seed come to give other tokens. */
  static final int FORMAT_VERSION = 1;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .build();

  /** The file is no metadata. */
  static final class DamagedException extends Exception {
    private static final long serialVersionUID = 1L;

    DamagedException(String problem, JsonProcessingException cause) {
      super(problem, cause);
    }
  }

  /** What is known before the text is packed. */
  static PackedMetadata wanted(
      String source, String sourceFingerprint, String tokenizer, int tokenBytes, long seed) {
    return new PackedMetadata(
        FORMAT_VERSION, source, sourceFingerprint, tokenizer, tokenBytes, seed, 0, 0, 0);
  }

  static PackedMetadata read(Path file) throws IOException, DamagedException {
    PackedMetadata metadata;
    try {
      metadata = JSON.readValue(Files.readAllBytes(file), PackedMetadata.class);
    } catch (JsonProcessingException damaged) {
      throw new DamagedException(damaged.getOriginalMessage(), damaged);
    }
    if (metadata == null) {
      throw new DamagedException("it holds null", null);
    }
    return metadata;
  }

  /** Replaces the file at once. */
  void write(Path file) throws IOException {
    Path unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
    Files.write(unfinished, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this));
    Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Where the metadata of a file of tokens lie. */
  static Path beside(Path tokens) {
    return tokens.resolveSibling(tokens.getFileName() + ".json");
  }

  PackedMetadata packed(int documentCount, long tokenCount, long contentChecksum) {
    return new PackedMetadata(
        formatVersion,
        source,
        sourceFingerprint,
        tokenizer,
        tokenBytes,
        seed,
        documentCount,
        tokenCount,
        contentChecksum);
  }

  /** Name of the files that hold these tokens: a hash of what decides them. */
  String key() {
    return Digests.sha256(identity()).substring(0, 32);
  }

  boolean matches(PackedMetadata wanted) {
    return identity().equals(wanted.identity());
  }

  private String identity() {
    return String.join(
        "\n",
        "format " + formatVersion,
        sourceFingerprint,
        tokenizer,
        "bytes " + tokenBytes,
        "seed " + seed);
  }
}
