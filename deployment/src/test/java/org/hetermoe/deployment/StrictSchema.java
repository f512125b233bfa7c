package org.hetermoe.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import io.kubernetes.client.openapi.models.V1ConfigMap;
import io.kubernetes.client.openapi.models.V1Deployment;
import io.kubernetes.client.openapi.models.V1Namespace;
import io.kubernetes.client.openapi.models.V1NetworkPolicy;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import io.kubernetes.client.openapi.models.V1Pod;
import io.kubernetes.client.openapi.models.V1PodDisruptionBudget;
import io.kubernetes.client.openapi.models.V1Secret;
import io.kubernetes.client.openapi.models.V1Service;
import io.kubernetes.client.openapi.models.V1ServiceAccount;
import io.kubernetes.client.openapi.models.V1StatefulSet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Refuses resources with fields that there are not, without those that must be, or with values of
 * another type: Kubernetes' own kinds by the models of its OpenAPI description, the operators' by
 * the fields that they publish.
 */
final class StrictSchema {
  /** Reads a resource's JSON, or says what is wrong with it. */
  @FunctionalInterface
  private interface Model {
    Object read(String json) throws IOException;
  }

  private static final Map<String, Model> MODELS =
      Map.ofEntries(
          Map.entry("v1/Namespace", V1Namespace::fromJson),
          Map.entry("v1/ConfigMap", V1ConfigMap::fromJson),
          Map.entry("v1/Secret", V1Secret::fromJson),
          Map.entry("v1/Service", V1Service::fromJson),
          Map.entry("v1/ServiceAccount", V1ServiceAccount::fromJson),
          Map.entry("v1/PersistentVolumeClaim", V1PersistentVolumeClaim::fromJson),
          Map.entry("v1/Pod", V1Pod::fromJson),
          Map.entry("apps/v1/Deployment", V1Deployment::fromJson),
          Map.entry("apps/v1/StatefulSet", V1StatefulSet::fromJson),
          Map.entry("policy/v1/PodDisruptionBudget", V1PodDisruptionBudget::fromJson),
          Map.entry("networking.k8s.io/v1/NetworkPolicy", V1NetworkPolicy::fromJson));

  private static final JsonNode PUBLISHED =
      Repository.documents(
              Repository.path(
                  "deployment/src/test/resources/org/hetermoe/deployment/published-fields.yaml"))
          .getFirst();

  private StrictSchema() {}

  /** What is wrong with a resource; nothing where all is well. */
  static List<String> problems(JsonNode resource) {
    String kind = resource.path("apiVersion").asText() + "/" + Overlay.kind(resource);
    String name = kind + " " + Overlay.name(resource) + ": ";
    List<String> problems = new ArrayList<>();
    if (PUBLISHED.has(kind)) {
      check(resource.path("spec"), PUBLISHED.path(kind), "spec", problems);
      check(resource.path("metadata"), PUBLISHED.path("metadata"), "metadata", problems);
      resource
          .fieldNames()
          .forEachRemaining(
              field -> {
                if (!List.of("apiVersion", "kind", "metadata", "spec").contains(field)) {
                  problems.add("there is no field " + field);
                }
              });
    } else if (MODELS.containsKey(kind)) {
      try {
        MODELS.get(kind).read(resource.toString());
      } catch (IOException | RuntimeException e) {
        problems.add(String.valueOf(e.getMessage()));
      }
    } else {
      problems.add("no schema of that kind is known to this test");
    }
    return problems.stream().map(name::concat).toList();
  }

  /**
   * Checks a value.
   *
   * @param schema a type's name, a list of the one type of all items, or fields with their schemas;
   *     a field's name ends in {@code !} where it must be there
   */
  private static void check(JsonNode value, JsonNode schema, String at, List<String> problems) {
    if (schema.isTextual()) {
      checkType(value, schema.asText(), at, problems);
    } else if (schema.isArray()) {
      if (!value.isArray()) {
        problems.add(at + " must be a list, is " + value);
      }
      int index = 0;
      for (JsonNode item : value) {
        check(item, schema.get(0), at + "[" + index++ + "]", problems);
      }
    } else if (!value.isObject()) {
      problems.add(at + " must be an object, is " + value);
    } else {
      checkFields(value, schema, at, problems);
    }
  }

  private static void checkFields(
      JsonNode value, JsonNode schema, String at, List<String> problems) {
    for (Map.Entry<String, JsonNode> field : value.properties()) {
      JsonNode inner =
          schema.has(field.getKey())
              ? schema.get(field.getKey())
              : schema.get(field.getKey() + "!");
      if (inner == null) {
        problems.add("there is no field " + at + "." + field.getKey());
      } else {
        check(field.getValue(), inner, at + "." + field.getKey(), problems);
      }
    }
    schema
        .fieldNames()
        .forEachRemaining(
            field -> {
              if (field.endsWith("!") && !value.has(field.substring(0, field.length() - 1))) {
                problems.add(at + "." + field.substring(0, field.length() - 1) + " is missing");
              }
            });
  }

  private static void checkType(JsonNode value, String type, String at, List<String> problems) {
    boolean fits =
        switch (type) {
          case "string" -> value.isTextual();
          case "integer" -> value.isIntegralNumber();
          case "boolean" -> value.isBoolean();
          case "map" -> value.isObject() && values(value).stream().allMatch(JsonNode::isTextual);
          case "quantities" ->
              value.isObject()
                  && values(value).stream().allMatch(v -> v.isTextual() || v.isIntegralNumber());
          case "any" -> true;
          default -> throw new IllegalStateException("published-fields.yaml: no type " + type);
        };
    if (!fits) {
      problems.add(at + " must be of type " + type + ", is " + value);
    }
  }

  private static List<JsonNode> values(JsonNode object) {
    List<JsonNode> values = new ArrayList<>();
    object.forEach(values::add);
    return values;
  }
}
