package org.hetermoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Experts that move while a run runs, on emulated devices of two generations. */
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class RebalanceIT extends CommandCase {
  private static final int STEPS = 16;
  private static final List<String> SIZES =
      List.of(
          "model.layers=2",
          "training.steps=" + STEPS,
          "training.evaluate_sequences=2",
          "workers.expert_counts=[11,1]",
          "planning.rebalance_every=4",
          "emulation.time_scale=0.4");

  @Test
  void movesExpertsOfABadPlacementAndChangesNoLoss() throws Exception {
    run("up", "--attention", "2", "--experts", "2");

    // Given a run with a bad placement that is left alone
    JsonNode alone = train("planning.rebalance=false");
    JsonNode stayed = plan();
    assertThat(stayed.path("measured").path("steps").asInt()).isEqualTo(STEPS);
    assertThat(stayed.path("earlier")).isEmpty();

    // When the same run may be re-balanced
    JsonNode moved = train("planning.rebalance=true");

    // Then experts have moved, and its steps have become faster by far
    JsonNode plan = plan();
    assertThat(plan.path("earlier")).isNotEmpty();
    assertThat(plan.path("plan").path("from_step").asInt()).isBetween(4, STEPS - 1);
    assertThat(plan.path("plan").path("why").asText()).contains("moving saves");
    assertThat(plan.path("measured").path("step_seconds").asDouble())
        .isLessThan(0.85 * stayed.path("measured").path("step_seconds").asDouble());

    // And nobody could tell from the losses
    assertThat(moved.path("state").asText()).isEqualTo("completed");
    assertThat(moved.path("losses")).hasSize(STEPS);
    assertThat(moved.path("losses")).isEqualTo(alone.path("losses"));
    assertThat(moved.path("evaluation_loss")).isEqualTo(alone.path("evaluation_loss"));
  }

  private JsonNode train(String... overrides) throws Exception {
    List<String> arguments =
        new ArrayList<>(
            List.of("train", HOME.resolve("examples/mixed-generations.yaml").toString()));
    Stream.concat(SIZES.stream(), Stream.of(overrides))
        .forEach(override -> arguments.addAll(List.of("--set", override)));
    arguments.add("--json");
    return JSON.readTree(run(arguments.toArray(String[]::new)).getLast());
  }

  private JsonNode plan() throws Exception {
    return JSON.readTree(run("runs", "show", "latest", "--plan").getLast());
  }
}
