package org.hetermoe.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What pods ask for is there where the documents say that they run. */
class ResourcesTest {
  /** What a control plane on the same node asks for: kind's, the largest that we know of. */
  private static final BigDecimal CLUSTER_CORES = new BigDecimal("0.95");

  private static final BigDecimal CLUSTER_BYTES = BigDecimal.valueOf(290L << 20);

  @TempDir Path work;

  @Test
  void localCpuFitsANodeOfTwoCoresAndSixGigabytes() {
    Overlay overlay = Overlay.render("local-cpu", work);

    assertThat(sum(overlay, "cpu").add(CLUSTER_CORES)).isLessThanOrEqualTo(BigDecimal.TWO);
    // Of 6 GB the kubelet keeps a tenth of a gigabyte for its evictions, and the system its own.
    assertThat(sum(overlay, "memory").add(CLUSTER_BYTES))
        .isLessThanOrEqualTo(new BigDecimal("5.4e9"));
  }

  @Test
  void theDocumentsSayWhatLocalCpuAsksFor() {
    Overlay overlay = Overlay.render("local-cpu", work);
    BigDecimal gibibytes = sum(overlay, "memory").divide(amount("1Gi"));

    assertThat(Repository.text("docs/containers.md").replaceAll("\\s+", " "))
        .contains(
            "its pods ask for %s cores and %s GiB in all"
                .formatted(
                    sum(overlay, "cpu").stripTrailingZeros().toPlainString(),
                    gibibytes.stripTrailingZeros().toPlainString()));
  }

  @ParameterizedTest
  @CsvSource({"local-cpu", "mixed-gpu"})
  void nothingAsksForMoreThanItMayUse(String name) {
    Overlay overlay = Overlay.render(name, work);
    for (ObjectNode workload : overlay.workloads()) {
      JsonNode resources = Overlay.container(workload).path("resources");
      for (String resource : new String[] {"cpu", "memory"}) {
        assertThat(amount(resources.at("/requests/" + resource).asText()))
            .as(Overlay.name(workload) + " " + resource)
            .isPositive()
            .isLessThanOrEqualTo(amount(resources.at("/limits/" + resource).asText()));
      }
    }
  }

  private static BigDecimal sum(Overlay overlay, String resource) {
    BigDecimal sum = BigDecimal.ZERO;
    for (ObjectNode workload : overlay.workloads()) {
      String request = Overlay.container(workload).at("/resources/requests/" + resource).asText();
      int replicas = workload.at("/spec/replicas").asInt();
      sum = sum.add(amount(request).multiply(BigDecimal.valueOf(replicas)));
    }
    return sum;
  }

  /** A quantity of Kubernetes, in bytes or cores. */
  private static BigDecimal amount(String quantity) {
    Matcher matcher = Pattern.compile("([0-9.]+)(m|Mi|Gi|)").matcher(quantity);
    assertThat(matcher.matches()).as("quantity " + quantity).isTrue();
    return new BigDecimal(matcher.group(1)).multiply(unit(matcher.group(2)));
  }

  private static BigDecimal unit(String suffix) {
    return switch (suffix) {
      case "m" -> new BigDecimal("0.001");
      case "Mi" -> BigDecimal.valueOf(1L << 20);
      case "Gi" -> BigDecimal.valueOf(1L << 30);
      default -> BigDecimal.ONE;
    };
  }
}
