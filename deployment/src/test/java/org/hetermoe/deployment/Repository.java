package org.hetermoe.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;

/** The files of this repository. */
final class Repository {
  static final Path HOME = Path.of("..").toAbsolutePath().normalize();
  private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());

  private Repository() {}

  static Path path(String relative) {
    return HOME.resolve(relative);
  }

  static String text(String relative) {
    try {
      return Files.readString(path(relative));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The documents of a YAML file. */
  static List<JsonNode> documents(Path file) {
    return documents(file, text(HOME.relativize(file.toAbsolutePath().normalize()).toString()));
  }

  /** The documents of a YAML text. */
  static List<JsonNode> documents(Object source, String yaml) {
    try (MappingIterator<JsonNode> documents = YAML.readerFor(JsonNode.class).readValues(yaml)) {
      return documents.readAll();
    } catch (IOException e) {
      throw new IllegalArgumentException(source + " is no YAML: " + e.getMessage(), e);
    }
  }

  /** A file of {@code name=value} lines. */
  static Properties properties(String relative) {
    Properties properties = new Properties();
    try (var reader = Files.newBufferedReader(path(relative))) {
      properties.load(reader);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties;
  }
}
