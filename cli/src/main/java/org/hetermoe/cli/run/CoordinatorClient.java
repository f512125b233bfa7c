package org.hetermoe.cli.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.hetermoe.cli.UsageException;
import org.hetermoe.run.CheckpointView;
import org.hetermoe.run.Json;
import org.hetermoe.run.PlanView;
import org.hetermoe.run.RunPlan;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunView;
import org.hetermoe.run.StepMetrics;

/**
 * The coordinator's REST API. A coordinator that is away for a while is asked again, unless asking
 * twice would do something twice. Safe for several threads.
 */
public final class CoordinatorClient {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Duration PAUSE = Duration.ofMillis(500);
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final int STEPS_PER_PAGE = 1_000;

  private final URI base;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(5))
          .build();

  private record RunList(List<RunView> runs) {}

  private record StepList(List<StepMetrics> steps) {}

  private record CheckpointList(List<CheckpointView> checkpoints) {}

  private record Problem(String title, String detail, String field) {}

  /** A client of the coordinator at that address. */
  public CoordinatorClient(URI base) {
    if (base.getHost() == null || !List.of("http", "https").contains(base.getScheme())) {
      throw new UsageException(
          "--coordinator must be an address like http://localhost:8080, is " + base);
    }
    this.base = URI.create(base.toString().replaceFirst("/+$", ""));
  }

  /** Its address. */
  public URI address() {
    return base;
  }

  RunView submit(RunSpec spec) throws InterruptedException {
    return send(
        request("/runs")
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(json(spec)))
            .build(),
        RunView.class);
  }

  /** Runs, newest first, without specification and history. */
  List<RunView> runs(int limit) throws InterruptedException {
    return get("/runs?limit=" + limit, RunList.class).runs();
  }

  /** The run that an id, the beginning of one, or {@code latest} names. */
  RunView run(String name) throws InterruptedException {
    if (name.equals("latest")) {
      List<RunView> newest = runs(1);
      if (newest.isEmpty()) {
        throw new UsageException("there is no run yet");
      }
      return run(newest.getFirst().id());
    }
    if (!name.matches("[0-9a-fA-F-]+")) {
      throw new UsageException(
          "'" + name + "' is no run: name its id, the beginning of it, or latest");
    }
    return get("/runs/" + name, RunView.class);
  }

  RunView run(UUID id) throws InterruptedException {
    return get("/runs/" + id, RunView.class);
  }

  /** A page of step metrics from a step on. */
  List<StepMetrics> steps(UUID run, int from) throws InterruptedException {
    return get("/runs/" + run + "/steps?from=" + from + "&limit=" + STEPS_PER_PAGE, StepList.class)
        .steps();
  }

  /** Complete checkpoints, newest first. */
  List<CheckpointView> checkpoints(UUID run) throws InterruptedException {
    return get("/runs/" + run + "/checkpoints", CheckpointList.class).checkpoints();
  }

  /** What was planned for a run; empty where it has not been planned. */
  Optional<PlanView> plan(UUID run) throws InterruptedException {
    try {
      return Optional.of(get("/runs/" + run + "/plan", PlanView.class));
    } catch (CoordinatorException e) {
      if (e.notFound()) {
        return Optional.empty();
      }
      throw e;
    }
  }

  RunView stop(UUID run) throws InterruptedException {
    return send(post("/runs/" + run + "/stop"), RunView.class);
  }

  /**
   * Has experts moved while a run runs.
   *
   * @param counts experts of every layer that each expert worker gets; empty lets the planner
   *     decide
   */
  RunPlan rebalance(UUID run, List<Integer> counts) throws InterruptedException {
    HttpRequest.Builder request = request("/runs/" + run + "/rebalance");
    return send(
        counts.isEmpty()
            ? request.POST(HttpRequest.BodyPublishers.noBody()).build()
            : request
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json(Map.of("expert_counts", counts))))
                .build(),
        RunPlan.class);
  }

  RunView resume(UUID run) throws InterruptedException {
    return send(post("/runs/" + run + "/resume"), RunView.class);
  }

  private HttpRequest post(String path) {
    return request(path).POST(HttpRequest.BodyPublishers.noBody()).build();
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(base + "/api/v1" + path))
        .timeout(TIMEOUT)
        .header("Accept", "application/json");
  }

  private <T> T get(String path, Class<T> type) throws InterruptedException {
    HttpRequest request = request(path).GET().build();
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        return send(request, type);
      } catch (CoordinatorException e) {
        if (e.wronglyAsked() || System.nanoTime() > deadline) {
          throw e;
        }
        Thread.sleep(PAUSE);
      }
    }
  }

  private <T> T send(HttpRequest request, Class<T> type) throws InterruptedException {
    try {
      HttpResponse<String> reply = http.send(request, HttpResponse.BodyHandlers.ofString());
      if (reply.statusCode() >= 400) {
        throw new CoordinatorException(reply.statusCode(), explanation(request, reply));
      }
      return lenient(type).readValue(reply.body());
    } catch (JsonProcessingException e) {
      throw new CoordinatorException(
          "the reply of " + request.uri() + " is not understood: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      String why = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new CoordinatorException("the coordinator at " + base + " does not answer: " + why, e);
    }
  }

  /** The coordinator's own words, as it gives them in problem+json. */
  private static String explanation(HttpRequest request, HttpResponse<String> reply) {
    String fallback = request.method() + " " + request.uri() + ": status " + reply.statusCode();
    try {
      JsonNode body = Json.MAPPER.readTree(reply.body());
      if (body == null || !body.isObject()) {
        return fallback;
      }
      Problem problem = lenient(Problem.class).readValue(body);
      String detail = problem.detail() != null ? problem.detail() : problem.title();
      if (detail == null) {
        return fallback;
      }
      return problem.field() == null || detail.startsWith(problem.field() + ":")
          ? detail
          : problem.field() + ": " + detail;
    } catch (IOException e) {
      return fallback; // no JSON: the status is all there is to say
    }
  }

  /** What a newer coordinator adds does not disturb. */
  private static ObjectReader lenient(Class<?> type) {
    return Json.MAPPER.readerFor(type).without(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);
  }

  private static String json(Object value) {
    try {
      return Json.MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a run always has a JSON form", e);
    }
  }
}
