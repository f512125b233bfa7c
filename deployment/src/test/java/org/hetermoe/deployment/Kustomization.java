package org.hetermoe.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Renders what this repository uses of Kustomize, so that overlays are checked where there is no
 * kubectl: resources, namespace, patches that are merged by name, generators without hashes. Where
 * kubectl is, a test holds this class to it.
 */
final class Kustomization {
  private static final Set<String> KNOWN =
      Set.of(
          "apiVersion",
          "kind",
          "namespace",
          "resources",
          "patches",
          "generatorOptions",
          "configMapGenerator");

  private Kustomization() {}

  /** All resources of a folder with a {@code kustomization.yaml}. */
  static List<ObjectNode> render(Path folder) {
    JsonNode rules = document(folder.resolve("kustomization.yaml"));
    rules
        .fieldNames()
        .forEachRemaining(
            field -> {
              if (!KNOWN.contains(field)) {
                throw new IllegalArgumentException(
                    folder
                        + ": this test does not know what kustomization field "
                        + field
                        + " does");
              }
            });
    List<ObjectNode> resources = new ArrayList<>();
    for (JsonNode entry : rules.path("resources")) {
      Path resource = folder.resolve(entry.asText()).normalize();
      if (Files.isDirectory(resource)) {
        resources.addAll(render(resource));
      } else {
        read(resource).forEach(document -> resources.add((ObjectNode) document));
      }
    }
    for (JsonNode generator : rules.path("configMapGenerator")) {
      resources.add(configMap(generator, folder));
    }
    for (JsonNode entry : rules.path("patches")) {
      for (JsonNode patch : read(folder.resolve(entry.path("path").asText()))) {
        merge(find(resources, patch), (ObjectNode) patch);
      }
    }
    if (rules.has("namespace")) {
      resources.stream()
          .filter(resource -> !resource.path("kind").asText().equals("Namespace"))
          .forEach(
              resource ->
                  ((ObjectNode) resource.path("metadata"))
                      .set("namespace", rules.path("namespace")));
    }
    return resources;
  }

  private static JsonNode document(Path file) {
    return read(file).getFirst();
  }

  private static List<JsonNode> read(Path file) {
    try {
      return Repository.documents(file, Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ObjectNode configMap(JsonNode generator, Path folder) {
    ObjectNode resource = JsonNodeFactory.instance.objectNode();
    resource.put("apiVersion", "v1").put("kind", "ConfigMap");
    resource.putObject("metadata").set("name", generator.path("name"));
    ObjectNode data = resource.putObject("data");
    for (JsonNode entry : generator.path("files")) {
      String[] keyAndFile = entry.asText().split("=", 2);
      Path file = folder.resolve(keyAndFile[keyAndFile.length - 1]);
      String key = keyAndFile.length == 2 ? keyAndFile[0] : file.getFileName().toString();
      data.put(key, content(file));
    }
    return resource;
  }

  private static String content(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ObjectNode find(List<ObjectNode> resources, JsonNode patch) {
    return resources.stream()
        .filter(
            resource ->
                resource.path("kind").equals(patch.path("kind"))
                    && resource.path("metadata").path("name").equals(patch.at("/metadata/name")))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("nothing to patch: " + patch));
  }

  private static void merge(ObjectNode target, ObjectNode patch) {
    for (Map.Entry<String, JsonNode> field : patch.properties()) {
      JsonNode present = target.get(field.getKey());
      if (present instanceof ObjectNode inner && field.getValue() instanceof ObjectNode change) {
        merge(inner, change);
      } else if (present instanceof ArrayNode list && named(field.getValue())) {
        field.getValue().forEach(item -> mergeByName(list, (ObjectNode) item));
      } else {
        target.set(field.getKey(), field.getValue());
      }
    }
  }

  private static boolean named(JsonNode list) {
    return list.isArray() && !list.isEmpty() && list.get(0).has("name");
  }

  private static void mergeByName(ArrayNode list, ObjectNode item) {
    for (JsonNode candidate : list) {
      if (candidate.path("name").equals(item.path("name"))) {
        merge((ObjectNode) candidate, item);
        return;
      }
    }
    list.add(item);
  }
}
