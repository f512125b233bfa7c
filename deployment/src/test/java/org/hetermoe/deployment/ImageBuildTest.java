package org.hetermoe.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Images are built by old Docker engines and by clients without buildx, too. */
class ImageBuildTest {
  private static final List<String> SERVICES = List.of("coordinator", "attention", "expert");

  @TempDir Path work;

  @ParameterizedTest
  @ValueSource(strings = {"coordinator", "attention", "expert"})
  void whatADockerfileCopiesIsInTheContextOfAnyEngine(String service) {
    IgnoreFile ignored = new IgnoreFile(Repository.text(".dockerignore"));
    List<String> sources = sources(service);

    assertThat(sources)
        .contains("docker/start", service + "-service/target/quarkus-app")
        .allSatisfy(
            source -> {
              assertThat(ignored.lets(source)).as(source).isTrue();
              assertThat(ignored.lets(source + "/any/file")).as(source).isTrue();
              assertThat(ignored.isReached(source)).as(source + " by Docker 20.10").isTrue();
            });
  }

  @Test
  void nothingElseIsInTheContext() {
    IgnoreFile ignored = new IgnoreFile(Repository.text(".dockerignore"));

    assertThat(
            List.of(
                ".git/config",
                "common/core/target/classes/a",
                "expert-service/target/classes/a",
                "expert-service/pom.xml",
                "docs/containers.md"))
        .noneMatch(ignored::lets);
  }

  /** The rule of the ignore file itself: this is how the pattern of before failed. */
  @Test
  void aPatternWithAWildcardDoesNotReachIntoAFolder() {
    IgnoreFile ignored = new IgnoreFile("*\n!docker\n!*-service/target/quarkus-app\n");

    assertThat(ignored.lets("expert-service/target/quarkus-app/a")).isTrue();
    assertThat(ignored.isReached("expert-service/target/quarkus-app")).isFalse();
    assertThat(ignored.isReached("docker/start")).isTrue();
  }

  /** A stage's mounts and files in the Dockerfile are BuildKit's. */
  @ParameterizedTest
  @ValueSource(strings = {"coordinator", "attention", "expert"})
  void dockerfilesNeedNoBuildKit(String service) {
    assertThat(Repository.text("docker/" + service + ".Dockerfile"))
        .doesNotContain("# syntax", "RUN --", "<<", "--link", "--chmod");
  }

  @Test
  void theScriptLeavesTheBuilderToTheClient() throws Exception {
    assumeTrue(Command.isThere("bash", "--version"), "there is no bash here");
    Path docker = Files.createDirectories(work.resolve("docker"));
    for (String file : List.of("build.sh", "images.env")) {
      Files.copy(Repository.path("docker/" + file), docker.resolve(file));
    }
    for (String service : SERVICES) {
      Path app = Files.createDirectories(work.resolve(service + "-service/target/quarkus-app"));
      Files.createFile(app.resolve("quarkus-run.jar"));
    }
    Path bin = Files.createDirectories(work.resolve("bin"));
    Path client = bin.resolve("docker");
    // What a client of version 23 or later says that is told to use BuildKit and has no buildx.
    Files.writeString(
        client,
        """
        #!/bin/bash
        if [ "$1" = build ] && [ "${DOCKER_BUILDKIT-}" = 1 ]; then
          echo "ERROR: BuildKit is enabled but the buildx component is missing or broken." >&2
          exit 1
        fi
        echo "$@" >>"${0%/*}/calls"
        """);
    assertThat(client.toFile().setExecutable(true)).isTrue();
    Map<String, String> environment = new HashMap<>();
    environment.put("PATH", bin + ":" + System.getenv("PATH"));

    Command.Result result =
        Command.run(environment, List.of("bash", docker.resolve("build.sh").toString()));

    assertThat(result.status()).as(result.errors()).isZero();
    assertThat(Files.readAllLines(bin.resolve("calls")).stream().filter(c -> c.startsWith("build")))
        .hasSize(3);
  }

  /** What a Dockerfile copies from the context. */
  private static List<String> sources(String service) {
    List<String> sources = new ArrayList<>();
    Matcher copies =
        Pattern.compile("(?m)^COPY (?!--from)(.+) \\S+$")
            .matcher(Repository.text("docker/" + service + ".Dockerfile"));
    while (copies.find()) {
      sources.addAll(List.of(copies.group(1).split(" ")));
    }
    return sources;
  }

  /**
   * A {@code .dockerignore} as engines read it: the last pattern that matches a file or a folder
   * above it decides. Docker 20.10 (moby's archiver) looks into a folder that is left out only
   * where the text of a later exception begins with the folder's path.
   */
  private record IgnoreFile(List<String> patterns) {
    IgnoreFile(String text) {
      this(text.lines().filter(line -> !line.isBlank() && !line.startsWith("#")).toList());
    }

    /** Whether a file, or folder, is in the context. */
    boolean lets(String path) {
      boolean in = true;
      for (String pattern : patterns) {
        boolean exception = pattern.startsWith("!");
        if (exception == in) {
          continue;
        }
        if (matches(exception ? pattern.substring(1) : pattern, path)) {
          in = exception;
        }
      }
      return in;
    }

    /** Whether the folders above it are looked into. */
    boolean isReached(String path) {
      for (int end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
        String folder = path.substring(0, end);
        if (!lets(folder)
            && patterns.stream().noneMatch(pattern -> pattern.startsWith("!" + folder + "/"))) {
          return false;
        }
      }
      return true;
    }

    private static boolean matches(String pattern, String path) {
      Pattern expression = Pattern.compile(Pattern.quote(pattern).replace("*", "\\E[^/]*\\Q"));
      for (int end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
        if (expression.matcher(path.substring(0, end)).matches()) {
          return true;
        }
      }
      return expression.matcher(path).matches();
    }
  }
}
