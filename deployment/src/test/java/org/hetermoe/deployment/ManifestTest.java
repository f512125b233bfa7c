package org.hetermoe.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

/** Every rendered resource has the fields that its kind has, and no others. */
class ManifestTest {
  @SuppressWarnings("unused") // named by the tests' sources
  private static final List<String> OVERLAYS = Overlay.NAMES;

  @TempDir Path work;

  @ParameterizedTest
  @FieldSource("OVERLAYS")
  void everyResourceFitsItsSchema(String name) {
    Overlay overlay = Overlay.render(name, work);

    assertThat(overlay.resources()).hasSizeGreaterThan(20);
    assertThat(overlay.resources())
        .allSatisfy(resource -> assertThat(StrictSchema.problems(resource)).isEmpty());
  }

  @ParameterizedTest
  @FieldSource("OVERLAYS")
  void kubectlRendersTheSame(String name) throws Exception {
    assumeTrue(Command.isThere("kubectl", "version", "--client"), "there is no kubectl here");
    Overlay overlay = Overlay.render(name, work);
    Command.Result kubectl =
        Command.run("kubectl", "kustomize", work.resolve("overlays").resolve(name).toString());

    assertThat(kubectl.status()).as(kubectl.errors()).isZero();
    List<JsonNode> rendered = Repository.documents("kubectl", kubectl.output());
    assertThat(rendered)
        .allSatisfy(resource -> assertThat(StrictSchema.problems(resource)).isEmpty());
    assertThat(byName(overlay.resources())).isEqualTo(byName(rendered));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          StatefulSet   | expert   | terminationGracePeriodSeconds | terminationGracePeriodSecond | terminationGracePeriodSecond
          Deployment    | coordinator | readOnlyRootFilesystem     | readOnlyRootFileSystem       | readOnlyRootFileSystem
          NetworkPolicy | workers  | podSelector                   | podselector                  | podselector
          Cluster       | database | initdb                        | initDb                       | spec.bootstrap.initDb
          KafkaNodePool | combined | replicas                      | replica                      | spec.replica
          Kafka         | broker   | networkPolicyPeers            | networkPolicyPeer            | networkPolicyPeer
          """)
  void aMisspeltFieldIsFound(
      String kind, String name, String field, String misspelt, String complaint) {
    Overlay overlay = Overlay.render("mixed-gpu", work);
    ObjectNode resource = overlay.get(kind, name);
    JsonNode holder = Overlay.within(resource, node -> node.has(field)).getFirst();
    ObjectNode fields = (ObjectNode) holder;
    fields.set(misspelt, fields.remove(field));

    assertThat(StrictSchema.problems(resource))
        .isNotEmpty()
        .anySatisfy(problem -> assertThat(problem).contains(complaint));
  }

  @Test
  void missingFieldsAndWrongTypesAreFound() {
    Overlay overlay = Overlay.render("mixed-gpu", work);
    ObjectNode selectorless = overlay.get("StatefulSet", "expert");
    ((ObjectNode) selectorless.get("spec")).remove("selector");
    ObjectNode worded = overlay.get("Deployment", "coordinator");
    ((ObjectNode) worded.get("spec")).putArray("strategy").add("Recreate");
    ObjectNode rolesless = overlay.get("KafkaNodePool", "combined");
    ((ObjectNode) rolesless.get("spec")).remove("roles");
    ObjectNode quoted = overlay.get("Cluster", "database");
    ((ObjectNode) quoted.get("spec")).put("instances", "2");

    assertThat(List.of(selectorless, worded, rolesless, quoted))
        .allSatisfy(resource -> assertThat(StrictSchema.problems(resource)).isNotEmpty());
  }

  /** By kind and name, with lists of named things in the order of their names. */
  private static Map<String, JsonNode> byName(List<? extends JsonNode> resources) {
    Map<String, JsonNode> sorted = new TreeMap<>();
    for (JsonNode resource : resources) {
      sorted.put(Overlay.kind(resource) + " " + Overlay.name(resource), ordered(resource));
    }
    return sorted;
  }

  private static JsonNode ordered(JsonNode node) {
    JsonNode copy = node.deepCopy();
    for (JsonNode list : Overlay.within(copy, JsonNode::isArray)) {
      List<JsonNode> items = new ArrayList<>();
      list.forEach(items::add);
      if (items.stream().allMatch(item -> item.has("name"))) {
        items.sort(Comparator.comparing(item -> item.path("name").asText()));
        ((ArrayNode) list).removeAll().addAll(items);
      }
    }
    return copy;
  }
}
