package org.hetermoe.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.hetermoe.model.InvalidFieldException;

/**
 * Reads run files: YAML or JSON over the defaults of {@code run-defaults.yaml}, and overrides of
 * single fields over both. Whatever is wrong becomes an {@link InvalidFieldException} that carries
 * the field by its full path and says how to mend it; where the text as a whole is at fault, the
 * field is {@link #WHOLE}. Safe for several threads.
 */
public final class RunSpecReader {
  /** Stands for the field where no single one is at fault. */
  public static final String WHOLE = "run file";

  private static final ObjectNode DEFAULTS = readDefaults();

  private RunSpecReader() {}

  /** The run that an empty run file describes. */
  public static RunSpec defaults() {
    return bind(DEFAULTS.deepCopy());
  }

  /**
   * Reads a run file.
   *
   * @param file YAML or JSON, UTF-8
   * @param overrides each {@code path=value}, the value as it would stand in YAML; later ones win
   * @throws InvalidFieldException if there is no such file or anything in it is unusable
   * @throws IOException if the file exists and cannot be read
   */
  public static RunSpec read(Path file, List<String> overrides) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new InvalidFieldException(WHOLE, "there is no file '" + file + "'");
    }
    if (Files.size(file) > TreeReader.MAX_CHARACTERS) {
      throw TreeReader.tooLarge();
    }
    String text;
    try {
      text = Files.readString(file);
    } catch (CharacterCodingException notText) {
      throw because(
          new InvalidFieldException(WHOLE, "'" + file + "' is not text in UTF-8"), notText);
    }
    return read(text, overrides);
  }

  /**
   * Reads the text of a run file.
   *
   * @param text YAML or JSON; empty for all defaults
   * @param overrides as for {@link #read(Path, List)}
   * @throws InvalidFieldException if anything in it is unusable
   */
  public static RunSpec read(String text, List<String> overrides) {
    return read(TreeReader.readDocument(text), overrides);
  }

  /**
   * Reads a run file that is a tree already.
   *
   * @param tree an object
   * @param overrides as for {@link #read(Path, List)}
   * @throws InvalidFieldException if anything in it is unusable
   */
  public static RunSpec read(JsonNode tree, List<String> overrides) {
    if (!tree.isObject()) {
      throw new InvalidFieldException(
          WHOLE, "must be a map of fields, is " + RunSchema.shown(tree));
    }
    ObjectNode resolved = DEFAULTS.deepCopy();
    RunSchema.ROOT.merge(resolved, (ObjectNode) tree);
    for (String override : overrides) {
      override(resolved, override);
    }
    return bind(resolved);
  }

  /** The run file that resolves to the given run, every field in it. */
  public static String toYaml(RunSpec spec) {
    return write(Json.YAML, spec);
  }

  /** The run as JSON, every field in it. */
  public static String toJson(RunSpec spec) {
    return write(Json.MAPPER, spec);
  }

  private static void override(ObjectNode resolved, String override) {
    int equals = override.indexOf('=');
    if (equals < 1) {
      throw new InvalidFieldException(
          override.isEmpty() ? WHOLE : override,
          "an override has the form path=value, as in training.steps=20");
    }
    String path = override.substring(0, equals).strip();
    String text = override.substring(equals + 1);
    JsonNode value =
        RunSchema.ROOT.find(path).isText()
            ? JsonNodeFactory.instance.textNode(text)
            : TreeReader.readValue(path, text);
    ObjectNode tree = JsonNodeFactory.instance.objectNode();
    ObjectNode at = tree;
    String[] names = path.split("\\.", -1);
    for (int i = 0; i < names.length - 1; i++) {
      at = at.putObject(names[i]);
    }
    at.set(names[names.length - 1], value);
    RunSchema.ROOT.merge(resolved, tree);
  }

  private static RunSpec bind(ObjectNode resolved) {
    try {
      return Json.MAPPER.treeToValue(resolved, RunSpec.class);
    } catch (JsonProcessingException failure) {
      for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
        if (cause instanceof InvalidFieldException invalid) {
          throw invalid;
        }
      }
      String field = failure instanceof JsonMappingException mapping ? path(mapping) : WHOLE;
      throw because(new InvalidFieldException(field, failure.getOriginalMessage()), failure);
    }
  }

  private static String path(JsonMappingException failure) {
    StringBuilder path = new StringBuilder();
    for (JsonMappingException.Reference reference : failure.getPath()) {
      if (reference.getFieldName() == null) {
        path.append('[').append(reference.getIndex()).append(']');
      } else {
        path.append(path.isEmpty() ? "" : ".").append(reference.getFieldName());
      }
    }
    return path.isEmpty() ? WHOLE : path.toString();
  }

  private static String write(com.fasterxml.jackson.databind.ObjectMapper mapper, RunSpec spec) {
    try {
      return mapper.writerWithDefaultPrettyPrinter().writeValueAsString(spec);
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException("a run is always JSON", impossible);
    }
  }

  private static ObjectNode readDefaults() {
    try (InputStream in = RunSpecReader.class.getResourceAsStream("run-defaults.yaml")) {
      Objects.requireNonNull(in, "run-defaults.yaml is not beside its reader");
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return TreeReader.readDocument(text);
    } catch (IOException broken) {
      throw new UncheckedIOException("run-defaults.yaml cannot be read", broken);
    }
  }

  private static InvalidFieldException because(InvalidFieldException exception, Exception cause) {
    exception.initCause(cause);
    return exception;
  }
}
