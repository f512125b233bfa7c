package org.hetermoe.cli;

import static io.restassured.RestAssured.get;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.restassured.response.Response;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.hetermoe.emulator.EmulatedCuda;
import org.hetermoe.emulator.RequiresEmulatedCuda;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A run over GPUs of two generations, as people run it: attention on an H100's capability in bf16,
 * experts on a V100's in fp16. The GPUs are emulated; all else is real.
 */
@RequiresEmulatedCuda
@Timeout(value = 8, unit = TimeUnit.MINUTES)
class MixedGenerationsIT extends CommandCase {
  private static final int STEPS = 100;
  private static final int CHECKPOINT = 8;

  /** Too large: gradients overflow fp16 in the first steps, and in none once it has come down. */
  private static final double LOSS_SCALE = 0x1p24;

  private static final List<String> SIZES =
      List.of(
          "model.hidden=32",
          "model.layers=2",
          "model.heads=2",
          "model.kv_heads=1",
          "model.head_dim=16",
          "model.experts=4",
          "model.expert_width=32",
          "data.sequence_length=24",
          "training.steps=" + STEPS,
          "training.batch_sequences=4",
          "training.micro_batches=2",
          "training.evaluate_every=0",
          "training.checkpoint_every=" + CHECKPOINT);

  /** Asym-EA: the attention worker takes experts, in one layer more than in the other. */
  private static final String PLACEMENT =
      """
      {"placement": [["expert-0", "attention-0", "expert-0", "expert-0"],
                     ["attention-0", "expert-0", "attention-0", "expert-0"]]}""";

  private static final List<String> MIXED =
      List.of("precision.attention=bf16", "precision.experts=fp16");

  private static final List<String> OVERFLOWING =
      Stream.concat(MIXED.stream(), Stream.of("training.loss_scale.initial=" + LOSS_SCALE))
          .toList();

  @Override
  Map<String, String> environment() {
    return Map.of(
        "LD_LIBRARY_PATH",
        EmulatedCuda.start(90, 70).libraries().toString(),
        "HETERMOE_EMULATED_GPUS",
        "90,70",
        // Compiled kernels are kept with what this build makes, not with the user's.
        "XDG_CACHE_HOME",
        HOME.resolve("cli/target").toString());
  }

  @Test
  void trainsSkipsMovesAndResumesWithTheSameLosses() throws Exception {
    run(
        "up",
        "--attention",
        "1",
        "--experts",
        "1",
        "--attention-compute",
        "cuda:0",
        "--expert-compute",
        "cuda:1");

    // Given a run in which nothing overflows
    List<Double> losses = losses(JSON.readTree(train(MIXED, new ArrayList<>())));
    assertThat(String.join("\n", run("runs", "show", "latest", "--plan")))
        .contains("bf16")
        .contains("fp16");

    // When a gradient overflows
    List<JsonNode> steps = new ArrayList<>();
    JsonNode overflowing = JSON.readTree(train(OVERFLOWING, steps));

    // Then the step is skipped by all and counted, and the scale halved, until none overflows
    List<JsonNode> skipped =
        steps.stream().filter(step -> step.at("/loss_scale/skipped").asBoolean()).toList();
    assertThat(skipped).isNotEmpty().hasSizeLessThan(STEPS);
    assertThat(skipped.getFirst().at("/loss_scale/scale").asDouble()).isEqualTo(LOSS_SCALE);
    JsonNode last = steps.getLast().path("loss_scale");
    assertThat(last.path("skipped_steps").asInt()).isEqualTo(skipped.size());
    assertThat(last.path("scale").asDouble()).isEqualTo(Math.scalb(LOSS_SCALE, -skipped.size()));
    assertThat(losses(overflowing)).isNotEqualTo(losses);

    // When experts move between the generations, and the run is stopped and resumed
    String coordinator = run("status").getLast().replaceFirst("^coordinator: ", "");
    get(coordinator + "/q/health/ready").then().statusCode(200); // the client is warm, too
    Process training = start(arguments(OVERFLOWING));
    BufferedReader events = training.inputReader();
    String run = await(events, event -> event.has("run")).path("run").asText();
    await(events, event -> event.path("step").asInt() >= 2);
    post(coordinator + "/api/v1/runs/" + run + "/rebalance", PLACEMENT);
    await(events, event -> event.path("step").asInt() > CHECKPOINT);
    post(coordinator + "/api/v1/runs/" + run + "/stop", "");
    training.waitFor();
    JsonNode followed = JSON.readTree(run("runs", "show", run, "--plan").getLast()).path("plan");
    assertThat(followed.path("from_step").asInt()).isBetween(2, STEPS);
    assertThat(followed.path("placement").get(0).get(1).asText()).isEqualTo("attention-0");
    JsonNode resumed = JSON.readTree(run("resume", run, "--json").getLast());

    // Then nobody could tell from the losses
    assertThat(losses(resumed)).isEqualTo(losses(overflowing));

    // And without overflows they are those of single precision, but for rounding
    run("down");
    run("up", "--attention", "1", "--experts", "1");
    List<Double> exact = losses(JSON.readTree(train(List.of(), new ArrayList<>())));
    assertThat(losses).isNotEqualTo(exact);
    for (int step = 0; step < STEPS; step++) {
      assertThat(losses.get(step)).as("step %d", step).isCloseTo(exact.get(step), within(0.1));
    }
  }

  private static List<Double> losses(JsonNode end) {
    assertThat(end.path("state").asText()).as("%s", end).isEqualTo("completed");
    List<Double> losses = new ArrayList<>();
    end.path("losses").forEach(loss -> losses.add(loss.asDouble()));
    assertThat(losses).hasSize(STEPS);
    return losses;
  }

  /** At once, while the run runs: a command of its own would take longer than its steps. */
  private static void post(String url, String body) {
    Response response = given().contentType("application/json").body(body).post(url);
    assertThat(response.statusCode()).as("%s: %s", url, response.asString()).isBetween(200, 299);
  }

  /** Trains; the steps as they come, and the last line. */
  private String train(List<String> overrides, List<JsonNode> steps) throws Exception {
    Process process = start(arguments(overrides));
    String last = "";
    try (BufferedReader reader = process.inputReader()) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        last = line;
        JsonNode event = JSON.readTree(line);
        if (event.path("event").asText().equals("step")) {
          steps.add(event);
        }
      }
    }
    assertThat(process.waitFor()).as(this::errors).isZero();
    return last;
  }

  private static String[] arguments(List<String> overrides) throws IOException {
    List<String> arguments =
        new ArrayList<>(List.of("train", HOME.resolve("examples/quickstart.yaml").toString()));
    Stream.concat(SIZES.stream(), overrides.stream())
        .forEach(override -> arguments.addAll(List.of("--set", override)));
    arguments.add("--json");
    return arguments.toArray(String[]::new);
  }
}
