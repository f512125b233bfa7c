package org.hetermoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Parts of the one-machine stack are killed, one after the other, and nobody does anything. */
@Timeout(value = 8, unit = TimeUnit.MINUTES)
class SurvivalIT extends CommandCase {
  private static final int STEPS = 500;

  @Test
  void aRunWhosePartsAreKilledHasTheLossesOfAnUndisturbedOne() throws Exception {
    run("up", "--attention", "1", "--experts", "2");
    JsonNode undisturbed = JSON.readTree(run(train("channel=memory")).getLast());
    assertThat(undisturbed.path("losses")).hasSize(STEPS);

    Process training = start(train("workers.experts=1..2", "training.checkpoint_every=10"));
    BufferedReader events = training.inputReader();
    for (String victim : List.of("expert-1", "coordinator", "postgresql", "attention-0", "kafka")) {
      // Somewhere between two checkpoints, and after one
      int step = await(events, event -> event.has("loss")).path("step").asInt();
      await(events, event -> event.path("step").asInt() >= Math.max(step, 10) + 7);
      kill(victim);
    }
    JsonNode end = await(events, event -> event.path("event").asText().equals("end"));

    assertThat(training.waitFor()).as(this::errors).isZero();
    assertThat(end.path("state").asText()).as("%s", end).isEqualTo("completed");
    assertThat(end.path("losses")).isEqualTo(undisturbed.path("losses"));
    assertThat(errors()).contains("expert-1 has ended").contains("to go on after step");
  }

  private String[] train(String... overrides) {
    List<String> arguments =
        new ArrayList<>(List.of("train", HOME.resolve("examples/quickstart.yaml").toString()));
    List<String> all =
        new ArrayList<>(
            List.of(
                "model.hidden=32",
                "model.layers=2",
                "model.head_dim=8",
                "model.expert_width=32",
                "data.sequence_length=24",
                "training.batch_sequences=3",
                "training.micro_batches=3",
                "training.evaluate_every=0",
                "training.evaluate_sequences=5",
                "training.checkpoint_every=0",
                "training.steps=" + STEPS));
    all.addAll(List.of(overrides));
    all.forEach(override -> arguments.addAll(List.of("--set", override)));
    arguments.add("--json");
    return arguments.toArray(String[]::new);
  }

  /** SIGKILL for a process of the stack, and for what it started. */
  private void kill(String name) throws IOException {
    JsonNode stack = JSON.readTree(Files.readString(data.resolve("stack/stack.json")));
    for (JsonNode process : stack.path("processes")) {
      if (process.path("name").asText().equals(name)) {
        ProcessHandle victim = ProcessHandle.of(process.path("pid").asLong()).orElseThrow();
        List<ProcessHandle> all = new ArrayList<>(victim.descendants().toList());
        all.add(victim);
        all.forEach(ProcessHandle::destroyForcibly);
        return;
      }
    }
    throw new AssertionError("no " + name + " in " + stack);
  }
}
