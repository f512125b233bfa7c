package org.hetermoe.cli.simulate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.KnownModels;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.Json;
import org.hetermoe.run.RunSpecReader;

/** The model of an option: a known name, a run file, or a file with a model's sizes. */
public final class ModelOption {
  private ModelOption() {}

  /**
   * The model.
   *
   * @throws InvalidFieldException if there is none, or its file cannot be used
   */
  public static ModelShape read(String option) throws IOException {
    Path file = Path.of(option);
    if (!Files.isRegularFile(file)) {
      return KnownModels.of(option);
    }
    try {
      JsonNode tree = Json.YAML.readTree(Files.readString(file));
      if (!(tree instanceof ObjectNode fields)) {
        throw new InvalidFieldException("model", "'" + file + "' must be a map of fields");
      }
      return fields.has("model")
          ? ModelShape.of(name(file), RunSpecReader.read(file, List.of()).model())
          : sizes(fields, name(file));
    } catch (JsonProcessingException malformed) {
      InvalidFieldException named =
          new InvalidFieldException(
              "model",
              "'"
                  + file
                  + "': "
                  + malformed.getOriginalMessage().lines().findFirst().orElse("cannot be read"));
      named.initCause(malformed);
      throw named;
    }
  }

  private static ModelShape sizes(ObjectNode fields, String name) throws JsonProcessingException {
    ObjectNode all = Json.MAPPER.createObjectNode();
    all.put("name", name)
        .put("shared_width", 0)
        .put("dense_layers", 0)
        .put("dense_width", 0)
        .put("tied_embeddings", false);
    all.setAll(fields);
    return Json.MAPPER.treeToValue(all, ModelShape.class);
  }

  private static String name(Path file) {
    return file.getFileName().toString().replaceFirst("\\.(ya?ml|json)$", "");
  }
}
