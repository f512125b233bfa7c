package org.hetermoe.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The pod that text for runs is copied to. */
class TextPodTest {
  @SuppressWarnings("unused") // named by the tests' sources
  private static final List<String> OVERLAYS = Overlay.NAMES;

  @TempDir Path work;
  private JsonNode pod;
  private JsonNode container;

  @BeforeEach
  void read() {
    List<JsonNode> documents = Repository.documents(Repository.path("k8s/text.yaml"));
    assertThat(documents).hasSize(1);
    pod = documents.getFirst();
    assertThat(pod.at("/spec/containers")).hasSize(1);
    container = pod.at("/spec/containers/0");
  }

  @Test
  void itFitsItsSchema() {
    assertThat(StrictSchema.problems(pod)).isEmpty();
  }

  /** The rules of https://kubernetes.io/docs/concepts/security/pod-security-standards/. */
  @Test
  void theStandardOfTheNamespaceAdmitsIt() {
    JsonNode namespace =
        Repository.documents(Repository.path("k8s/base/namespace.yaml")).getFirst();
    assertThat(namespace.at("/metadata/labels/pod-security.kubernetes.io~1enforce").asText())
        .isEqualTo("restricted");
    assertThat(pod.at("/metadata/namespace")).isEqualTo(namespace.at("/metadata/name"));

    JsonNode spec = pod.path("spec");
    assertThat(spec.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
    assertThat(spec.at("/securityContext/runAsUser").asInt()).isPositive();
    assertThat(spec.at("/securityContext/seccompProfile/type").asText())
        .isEqualTo("RuntimeDefault");
    assertThat(container.at("/securityContext/allowPrivilegeEscalation").asBoolean(true)).isFalse();
    assertThat(container.at("/securityContext/capabilities/drop/0").asText()).isEqualTo("ALL");
    assertThat(container.at("/securityContext/capabilities").has("add")).isFalse();
    for (String forbidden : List.of("hostNetwork", "hostPID", "hostIPC", "initContainers")) {
      assertThat(spec.has(forbidden)).as(forbidden).isFalse();
    }
    assertThat(container.path("ports").findValues("hostPort")).isEmpty();
    assertThat(spec.path("volumes"))
        .allSatisfy(volume -> assertThat(volume.has("persistentVolumeClaim")).isTrue());
    assertThat(spec.path("automountServiceAccountToken").asBoolean(true)).isFalse();
    assertThat(container.at("/securityContext/readOnlyRootFilesystem").asBoolean()).isTrue();
  }

  @ParameterizedTest
  @FieldSource("OVERLAYS")
  void whatItWritesAttentionWorkersRead(String name) {
    Overlay overlay = Overlay.render(name, work);
    JsonNode worker = Overlay.pod(overlay.get("StatefulSet", "attention")).path("spec");
    String claim = pod.at("/spec/volumes/0/persistentVolumeClaim/claimName").asText();

    assertThat(overlay.has("PersistentVolumeClaim", claim)).isTrue();
    assertThat(worker.findValuesAsText("claimName")).contains(claim);
    for (String id : List.of("runAsUser", "runAsGroup", "fsGroup")) {
      assertThat(pod.at("/spec/securityContext/" + id))
          .isEqualTo(worker.at("/securityContext/" + id));
    }
    assertThat(container.at("/volumeMounts/0/readOnly").asBoolean(false)).isFalse();
    assertThat(container.at("/volumeMounts/0/mountPath").asText()).isEqualTo("/text");
    assertThat(overlay.get("StatefulSet", "attention").findValuesAsText("mountPath"))
        .contains("/text");
  }

  @Test
  void itsImageIsOursAndTheDocumentsNameItsFile() {
    Properties images = Repository.properties("docker/images.env");

    assertThat(container.path("image").asText())
        .isEqualTo("hetermoe/attention:" + images.getProperty("VERSION"));
    assertThat(Repository.text("docs/containers.md")).contains("apply -f k8s/text.yaml");
  }
}
