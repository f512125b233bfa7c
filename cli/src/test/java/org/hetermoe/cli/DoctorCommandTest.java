package org.hetermoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DoctorCommandTest {
  @TempDir private Path directory;

  private final StringWriter out = new StringWriter();

  @Test
  void saysWhatIsThereAndWhatWouldBeUsed() {
    assertThat(doctor("--data-dir", directory.toString())).isZero();

    assertThat(out.toString())
        .contains("machine", "processor", "java", "25")
        .contains("devices", "cpu (oneDNN", "reference (plain Java")
        .contains("what would be used", "compute: auto")
        .contains(directory.toString(), "GiB free");
  }

  @Test
  void namesWhatKeepsTheCudaDeviceFromStarting() throws Exception {
    doctor("--json", "--data-dir", directory.toString());

    Map<String, JsonNode> findings = new HashMap<>();
    for (JsonNode finding : new ObjectMapper().readTree(out.toString())) {
      findings.put(finding.path("section").asText() + "/" + finding.path("name").asText(), finding);
    }
    JsonNode cuda = findings.get("devices/cuda");
    assertThat(findings).containsKeys("cuda/driver", "machine/memory", "devices/cpu");
    if (findings.get("cuda/driver").path("state").asText().equals("ABSENT")) {
      assertThat(cuda.path("state").asText()).isEqualTo("ABSENT");
      assertThat(cuda.path("value").asText()).startsWith("cannot start: ").contains("driver");
    }
  }

  @Test
  void endsWithOneWhereTrainingWouldNotWork() throws Exception {
    Path file = Files.writeString(directory.resolve("file"), "no directory");

    assertThat(doctor("--data-dir", file.resolve("data").toString())).isEqualTo(1);

    assertThat(out.toString()).contains("! data").contains("--data-dir");
  }

  private int doctor(String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = "doctor";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return Main.commandLine().setOut(new PrintWriter(out)).execute(all);
  }
}
