package org.hetermoe.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Manifests, images and services agree with each other. */
class AgreementTest {
  @SuppressWarnings("unused") // named by the tests' sources
  private static final List<String> OVERLAYS = Overlay.NAMES;

  private static final List<String> SERVICES = List.of("coordinator", "attention", "expert");

  /** What Quarkus' health extension, which all services have, answers at. */
  private static final Set<String> HEALTH =
      Set.of("/q/health/live", "/q/health/ready", "/q/health/started");

  /** What the operators make by themselves of the resources of {@code mixed-gpu}. */
  private static final Map<String, Integer> OPERATORS_SERVICES =
      Map.of("database-rw", 5432, "broker-kafka-bootstrap", 9092);

  /**
   * Made by CloudNativePG in {@code mixed-gpu}, and by the command of docs/containers.md for {@code
   * local-cpu}.
   */
  private static final String DATABASE_SECRET = "database-app";

  private static final String SECRET_COMMAND =
      "create secret generic " + DATABASE_SECRET + " --from-literal=password=";

  @TempDir Path work;
  private Properties images;

  @BeforeEach
  void readImages() {
    images = Repository.properties("docker/images.env");
  }

  @ParameterizedTest
  @FieldSource("OVERLAYS")
  void everyImageIsOursOrAPinnedPublicOne(String name) {
    Overlay overlay = Overlay.render(name, work);

    assertThat(overlay.workloads())
        .allSatisfy(
            workload ->
                assertThat(allowedImages())
                    .contains(Overlay.container(workload).path("image").asText()));
  }

  @Test
  void dockerfilesAndComposeNameThosePinnedImagesToo() {
    for (String service : SERVICES) {
      assertThat(arguments(service))
          .containsEntry("JDK_IMAGE", images.getProperty("JDK_IMAGE"))
          .containsEntry("BASE_IMAGE", images.getProperty("BASE_IMAGE"))
          .containsEntry("KAFKA_IMAGE", images.getProperty("KAFKA_IMAGE"));
    }
    List<JsonNode> composed = new ArrayList<>();
    for (String file : List.of("docker/compose.yaml", "docker/compose.gpu.yaml")) {
      Repository.documents(Repository.path(file))
          .getFirst()
          .path("services")
          .forEach(composed::add);
    }
    assertThat(composed)
        .hasSize(9)
        .allSatisfy(
            service -> assertThat(allowedImages()).contains(service.path("image").asText()));
    assertThat(images.stringPropertyNames().stream().filter(key -> key.endsWith("_IMAGE")))
        .allSatisfy(key -> assertThat(images.getProperty(key)).matches("[a-z/-]+:[0-9][^:]*"));
  }

  @Test
  void ourImagesHaveTheVersionThatIsBuilt() {
    assertThat(Repository.text("pom.xml"))
        .contains("<version>" + images.getProperty("VERSION") + "</version>");
  }

  @ParameterizedTest
  @FieldSource("OVERLAYS")
  void everythingReferredToExists(String name) {
    Overlay overlay = Overlay.render(name, work);
    for (ObjectNode workload : overlay.workloads()) {
      JsonNode pod = Overlay.pod(workload).path("spec");
      for (JsonNode reference : pod.findValues("configMapRef")) {
        assertThat(overlay.has("ConfigMap", reference.path("name").asText())).isTrue();
      }
      for (JsonNode volume : pod.path("volumes")) {
        if (volume.has("configMap")) {
          assertThat(overlay.has("ConfigMap", volume.at("/configMap/name").asText())).isTrue();
        }
        if (volume.has("secret")) {
          String secret = volume.at("/secret/secretName").asText();
          assertThat(secret).isEqualTo(DATABASE_SECRET);
          assertThat(
                  overlay.has("Cluster", "database")
                      || Repository.text("docs/containers.md").contains(SECRET_COMMAND))
              .isTrue();
        }
        if (volume.has("persistentVolumeClaim")) {
          assertThat(
                  overlay.has(
                      "PersistentVolumeClaim",
                      volume.at("/persistentVolumeClaim/claimName").asText()))
              .isTrue();
        }
      }
      Set<String> volumes = new TreeSet<>();
      pod.path("volumes").forEach(volume -> volumes.add(volume.path("name").asText()));
      workload.at("/spec/volumeClaimTemplates").forEach(claim -> volumes.add(Overlay.name(claim)));
      assertThat(Overlay.container(workload).path("volumeMounts"))
          .allSatisfy(mount -> assertThat(volumes).contains(mount.path("name").asText()));
      if (pod.has("serviceAccountName")) {
        assertThat(overlay.has("ServiceAccount", pod.path("serviceAccountName").asText())).isTrue();
      }
      if (Overlay.kind(workload).equals("StatefulSet")) {
        assertThat(overlay.has("Service", workload.at("/spec/serviceName").asText())).isTrue();
      }
    }
  }

  @ParameterizedTest
  @FieldSource("OVERLAYS")
  void storesAreWhereTheServicesLookForThem(String name) {
    Overlay overlay = Overlay.render(name, work);
    JsonNode stores = overlay.get("ConfigMap", "stores").path("data");

    assertThat(stores.path("KAFKA_BOOTSTRAP_SERVERS").asText())
        .satisfies(address -> assertAnswers(overlay, address));
    Matcher url =
        Pattern.compile("jdbc:postgresql://([^/]+)/hetermoe")
            .matcher(stores.path("QUARKUS_DATASOURCE_JDBC_URL").asText());
    assertThat(url.matches()).isTrue();
    assertAnswers(overlay, url.group(1));
    for (String worker : List.of("attention", "expert")) {
      String coordinator =
          environment(overlay.get("StatefulSet", worker)).get("HETERMOE_WORKER_COORDINATOR_URL");
      assertAnswers(overlay, coordinator.replaceFirst("^http://", ""));
    }
  }

  @ParameterizedTest
  @FieldSource("OVERLAYS")
  void probesPointAtWhatTheServicesAnswer(String name) {
    Overlay overlay = Overlay.render(name, work);
    for (ObjectNode workload : overlay.workloads()) {
      JsonNode container = Overlay.container(workload);
      for (String probe : List.of("startupProbe", "readinessProbe", "livenessProbe")) {
        assertThat(container.has(probe)).as(Overlay.name(workload) + " " + probe).isTrue();
        JsonNode http = container.path(probe).path("httpGet");
        if (SERVICES.contains(Overlay.name(workload))) {
          assertThat(HEALTH).contains(http.path("path").asText());
          assertThat(ports(container)).containsKey(http.path("port").asText());
        }
      }
    }
  }

  @ParameterizedTest
  @FieldSource("OVERLAYS")
  void portsAreTheSameEverywhere(String name) {
    Overlay overlay = Overlay.render(name, work);
    for (String service : SERVICES) {
      Map<String, String> image = imageEnvironment(service);
      ObjectNode workload =
          overlay.get(service.equals("coordinator") ? "Deployment" : "StatefulSet", service);
      Map<String, Integer> ports = ports(Overlay.container(workload));
      String configured =
          Repository.properties(service + "-service/src/main/resources/application.properties")
              .getProperty("quarkus.http.port");

      assertThat(ports.get("http")).hasToString(configured);
      assertThat(image).containsEntry("QUARKUS_HTTP_PORT", configured);
      assertThat(Repository.text("docker/" + service + ".Dockerfile"))
          .contains("[\"healthy\", \"" + configured + "\"]");
      if (!service.equals("coordinator")) {
        assertThat(ports.get("direct")).hasToString(image.get("HETERMOE_WORKER_DIRECT_PORT"));
      }
    }
    for (ObjectNode service : overlay.ofKind("Service")) {
      ObjectNode workload = selected(overlay, service.at("/spec/selector"));
      Map<String, Integer> ports = ports(Overlay.container(workload));
      assertThat(service.at("/spec/ports"))
          .allSatisfy(
              port ->
                  assertThat(ports)
                      .containsEntry(port.path("targetPort").asText(), port.path("port").asInt()));
    }
  }

  @ParameterizedTest
  @FieldSource("OVERLAYS")
  void policiesAllowTheTrafficThatThereIsAndNoOther(String name) {
    Overlay overlay = Overlay.render(name, work);
    Set<Integer> open = new TreeSet<>();
    for (ObjectNode policy : overlay.ofKind("NetworkPolicy")) {
      for (JsonNode port : policy.findValues("port")) {
        open.add(port.asInt());
      }
    }
    // Names, operators' status, and what containers listen on but for health and metrics of
    // workers.
    Set<Integer> expected = new TreeSet<>(Set.of(53, 5432, 7070, 8080, 9092));
    if (name.equals("mixed-gpu")) {
      expected.add(8000);
    }
    assertThat(open).isEqualTo(expected);
    assertThat(overlay.get("NetworkPolicy", "deny").path("spec").toString())
        .isEqualTo(
            "{\"podSelector\":{\"matchLabels\":{\"app.kubernetes.io/part-of\":\"hetermoe\"}},"
                + "\"policyTypes\":[\"Ingress\",\"Egress\"]}");
    assertThat(overlay.workloads())
        .allSatisfy(
            workload ->
                assertThat(
                        Overlay.pod(workload)
                            .at("/metadata/labels/app.kubernetes.io~1part-of")
                            .asText())
                    .isEqualTo("hetermoe"));
  }

  @ParameterizedTest
  @FieldSource("OVERLAYS")
  void podsMayDoNoMoreThanTheyMust(String name) {
    Overlay overlay = Overlay.render(name, work);
    for (ObjectNode workload : overlay.workloads()) {
      JsonNode pod = Overlay.pod(workload).path("spec");
      JsonNode container = Overlay.container(workload);
      assertThat(pod.path("automountServiceAccountToken").asBoolean(true)).isFalse();
      assertThat(pod.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
      assertThat(pod.at("/securityContext/runAsUser").asInt()).isPositive();
      assertThat(pod.at("/securityContext/seccompProfile/type").asText())
          .isEqualTo("RuntimeDefault");
      assertThat(container.at("/securityContext/readOnlyRootFilesystem").asBoolean()).isTrue();
      assertThat(container.at("/securityContext/allowPrivilegeEscalation").asBoolean(true))
          .isFalse();
      assertThat(container.at("/securityContext/capabilities/drop/0").asText()).isEqualTo("ALL");
      assertThat(container.at("/resources/requests/memory").isTextual()).isTrue();
      assertThat(container.at("/resources/limits/memory").isTextual()).isTrue();
    }
    assertThat(overlay.ofKind("ServiceAccount"))
        .hasSize(3)
        .allSatisfy(
            account ->
                assertThat(account.path("automountServiceAccountToken").asBoolean(true)).isFalse());
  }

  @ParameterizedTest
  @FieldSource("OVERLAYS")
  void workersHaveTheTimeThatTheirDepartureTakes(String name) {
    Overlay overlay = Overlay.render(name, work);
    for (String worker : List.of("attention", "expert")) {
      ObjectNode workload = overlay.get("StatefulSet", worker);
      String drain = environment(workload).get("HETERMOE_WORKER_DRAIN_TIMEOUT");

      assertThat(Integer.parseInt(drain.replaceFirst("S$", "")))
          .isBetween(
              10, Overlay.pod(workload).at("/spec/terminationGracePeriodSeconds").asInt() - 20);
    }
  }

  @Test
  void gpuGenerationsAreBound() {
    Overlay overlay = Overlay.render("mixed-gpu", work);
    Map<String, String> products = new HashMap<>();
    for (String worker : List.of("attention", "expert")) {
      ObjectNode workload = overlay.get("StatefulSet", worker);
      products.put(
          worker, Overlay.pod(workload).at("/spec/nodeSelector/nvidia.com~1gpu.product").asText());
      assertThat(Overlay.container(workload).at("/resources/limits/nvidia.com~1gpu").asText())
          .isEqualTo("1");
      assertThat(Overlay.container(workload).path("image").asText()).endsWith("-cuda");
      assertThat(environment(workload)).containsEntry("HETERMOE_WORKER_COMPUTE", "cuda");
    }
    assertThat(products.get("attention")).isNotBlank().isNotEqualTo(products.get("expert"));
    assertThat(images.getProperty("CUDA_IMAGE")).startsWith("nvidia/cuda:12.");
  }

  @Test
  void theBrokerIsConfiguredAlikeInComposeAndInLocalCpu() {
    assertThat(Repository.text("k8s/overlays/local-cpu/kafka/server.properties"))
        .isEqualTo(Repository.text("docker/kafka/server.properties"));
  }

  @Test
  void jvmFlagsAreThoseOfTheBuild() {
    Matcher flags =
        Pattern.compile("<hetermoe.jvm-flags>(.*)</hetermoe.jvm-flags>")
            .matcher(Repository.text("pom.xml"));
    assertThat(flags.find()).isTrue();
    assertThat(Repository.text("docker/jvm.options").lines()).contains(flags.group(1).split(" "));
  }

  /** What keeps on running after that neither works nor is restarted. */
  @ParameterizedTest
  @ValueSource(strings = {"docker/jvm.options", "docker/base-images/kafka-tool", "hetermoe"})
  void aJvmEndsWhenItsMemoryIsExhausted(String file) {
    assertThat(Repository.text(file).lines())
        .filteredOn(line -> !line.startsWith("#"))
        .anyMatch(line -> line.contains("-XX:+ExitOnOutOfMemoryError"));
  }

  private Set<String> allowedImages() {
    Set<String> allowed = new TreeSet<>();
    allowed.add(images.getProperty("POSTGRES_IMAGE"));
    allowed.add(images.getProperty("KAFKA_IMAGE"));
    for (String service : SERVICES) {
      allowed.add("hetermoe/" + service + ":" + images.getProperty("VERSION"));
    }
    for (String worker : List.of("attention", "expert")) {
      allowed.add("hetermoe/" + worker + ":" + images.getProperty("VERSION") + "-cuda");
    }
    return allowed;
  }

  /** Asserts that a Service listens at {@code host:port}. */
  private static void assertAnswers(Overlay overlay, String address) {
    String host = address.substring(0, address.indexOf(':'));
    int port = Integer.parseInt(address.substring(address.indexOf(':') + 1));
    if (overlay.name().equals("mixed-gpu") && OPERATORS_SERVICES.containsKey(host)) {
      assertThat(OPERATORS_SERVICES).containsEntry(host, port);
      assertThat(
              overlay.has("Cluster", host.replaceFirst("-rw$", ""))
                  || overlay.has("Kafka", host.replaceFirst("-kafka-bootstrap$", "")))
          .isTrue();
      return;
    }
    assertThat(overlay.get("Service", host).at("/spec/ports"))
        .anySatisfy(entry -> assertThat(entry.path("port").asInt()).isEqualTo(port));
  }

  private static ObjectNode selected(Overlay overlay, JsonNode selector) {
    return overlay.workloads().stream()
        .filter(
            workload -> {
              JsonNode labels = Overlay.pod(workload).at("/metadata/labels");
              return selector.properties().stream()
                  .allMatch(label -> labels.path(label.getKey()).equals(label.getValue()));
            })
        .findFirst()
        .orElseThrow(() -> new AssertionError("nothing is selected by " + selector));
  }

  private static Map<String, Integer> ports(JsonNode container) {
    Map<String, Integer> ports = new HashMap<>();
    container
        .path("ports")
        .forEach(port -> ports.put(port.path("name").asText(), port.path("containerPort").asInt()));
    return ports;
  }

  private static Map<String, String> environment(ObjectNode workload) {
    Map<String, String> environment = new HashMap<>();
    StreamSupport.stream(Overlay.container(workload).path("env").spliterator(), false)
        .filter(entry -> entry.has("value"))
        .forEach(
            entry -> environment.put(entry.path("name").asText(), entry.path("value").asText()));
    return environment;
  }

  private static Map<String, String> arguments(String service) {
    return assignments("ARG", service);
  }

  private static Map<String, String> imageEnvironment(String service) {
    return assignments("(?:ENV)? ", service);
  }

  private static Map<String, String> assignments(String before, String service) {
    Map<String, String> found = new HashMap<>();
    Matcher matcher =
        Pattern.compile("(?m)^" + before + " *([A-Z_]+)=(\\S+)")
            .matcher(Repository.text("docker/" + service + ".Dockerfile"));
    while (matcher.find()) {
      found.put(matcher.group(1), matcher.group(2));
    }
    return found;
  }
}
