package org.hetermoe.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;

/** A rendered overlay. */
record Overlay(String name, List<ObjectNode> resources) {
  static final List<String> NAMES = List.of("local-cpu", "mixed-gpu");

  /** Renders an overlay of a copy of {@code k8s}, which is left in {@code work}. */
  static Overlay render(String name, Path work) {
    return new Overlay(name, Kustomization.render(copy(work).resolve("overlays").resolve(name)));
  }

  /** Copies {@code k8s}. */
  static Path copy(Path work) {
    Path from = Repository.path("k8s");
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path to = work.resolve(from.relativize(file).toString());
        Files.createDirectories(to.getParent());
        Files.write(to, Files.readAllBytes(file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return work;
  }

  List<ObjectNode> ofKind(String kind) {
    return resources.stream().filter(resource -> kind(resource).equals(kind)).toList();
  }

  boolean has(String kind, String named) {
    return ofKind(kind).stream().anyMatch(resource -> name(resource).equals(named));
  }

  ObjectNode get(String kind, String named) {
    return ofKind(kind).stream()
        .filter(resource -> name(resource).equals(named))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " has no " + kind + " " + named));
  }

  /** Deployments and StatefulSets. */
  List<ObjectNode> workloads() {
    return resources.stream()
        .filter(resource -> List.of("Deployment", "StatefulSet").contains(kind(resource)))
        .toList();
  }

  static JsonNode pod(ObjectNode workload) {
    return workload.at("/spec/template");
  }

  static JsonNode container(ObjectNode workload) {
    JsonNode containers = pod(workload).at("/spec/containers");
    if (containers.size() != 1) {
      throw new AssertionError(name(workload) + " has " + containers.size() + " containers");
    }
    return containers.get(0);
  }

  static String kind(JsonNode resource) {
    return resource.path("kind").asText();
  }

  static String name(JsonNode resource) {
    return resource.at("/metadata/name").asText();
  }

  /** All objects within a resource, itself included, that fit. */
  static List<JsonNode> within(JsonNode node, Predicate<JsonNode> fits) {
    List<JsonNode> found = new ArrayList<>();
    if (fits.test(node)) {
      found.add(node);
    }
    node.forEach(child -> found.addAll(within(child, fits)));
    return found;
  }
}
