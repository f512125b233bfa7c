package org.hetermoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The main job as people run it. */
@Timeout(value = 8, unit = TimeUnit.MINUTES)
class TrainIT extends CommandCase {
  private static final List<String> SIZES =
      List.of(
          "model.hidden=32",
          "model.layers=2",
          "model.head_dim=8",
          "model.expert_width=32",
          "data.sequence_length=24",
          "training.steps=300",
          "training.batch_sequences=3",
          "training.micro_batches=3",
          "training.evaluate_every=100",
          "training.evaluate_sequences=5",
          "training.checkpoint_every=20");

  @Test
  void givesTheSameLossesOnEveryChannelAndAfterAKillOfEverything() throws Exception {
    // Given a stack that stays up for two runs
    run("up", "--attention", "2", "--experts", "2");

    // When the same run file is trained by services, over the broker, and in one process
    JsonNode direct = train("workers.experts=2");
    JsonNode kafka = train("workers.expert_counts=[1,7]", "workers.experts=2", "channel=kafka");
    JsonNode memory = train("channel=memory");

    // Then it gives the same losses to the last bit
    assertThat(direct.path("state").asText()).isEqualTo("completed");
    assertThat(direct.path("losses")).hasSize(300);
    assertThat(kafka.path("losses")).isEqualTo(direct.path("losses"));
    assertThat(memory.path("losses")).isEqualTo(direct.path("losses"));
    assertThat(memory.path("evaluation_loss")).isEqualTo(direct.path("evaluation_loss"));
    assertThat(direct.path("losses").get(299).asDouble())
        .isLessThan(direct.path("losses").get(0).asDouble() - 1);

    // When everything is killed after a checkpoint, and the run is resumed
    Process training = start(trainArguments("workers.experts=2"));
    await(training.inputReader(), event -> event.path("step").asInt() >= 60);
    killEverything(training);
    List<String> resumed = run("resume", "latest", "--json");

    // Then nothing is lost, and nobody could tell from the losses
    JsonNode end = JSON.readTree(resumed.getLast());
    assertThat(end.path("state").asText()).isEqualTo("completed");
    assertThat(end.path("losses")).isEqualTo(direct.path("losses"));
    assertThat(String.join("\n", run("runs"))).contains("completed");
  }

  private JsonNode train(String... overrides) throws Exception {
    return JSON.readTree(run(trainArguments(overrides)).getLast());
  }

  private String[] trainArguments(String... overrides) {
    List<String> arguments =
        new ArrayList<>(List.of("train", HOME.resolve("examples/quickstart.yaml").toString()));
    Stream.concat(SIZES.stream(), Stream.of(overrides))
        .forEach(override -> arguments.addAll(List.of("--set", override)));
    arguments.add("--json");
    return arguments.toArray(String[]::new);
  }

  /** SIGKILL for the command, every service, broker and database. */
  private void killEverything(Process command) throws IOException, InterruptedException {
    List<ProcessHandle> victims = new ArrayList<>(List.of(command.toHandle()));
    JsonNode stack = JSON.readTree(Files.readString(data.resolve("stack/stack.json")));
    for (JsonNode process : stack.path("processes")) {
      ProcessHandle.of(process.path("pid").asLong())
          .ifPresent(
              handle -> {
                victims.add(handle);
                handle.descendants().forEach(victims::add);
              });
    }
    assertThat(victims).hasSizeGreaterThan(5);
    victims.forEach(ProcessHandle::destroyForcibly);
    for (ProcessHandle victim : victims) {
      assertThat(victim.onExit().orTimeout(30, TimeUnit.SECONDS))
          .succeedsWithin(java.time.Duration.ofSeconds(31));
    }
  }
}
