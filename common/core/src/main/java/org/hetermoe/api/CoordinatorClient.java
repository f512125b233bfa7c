package org.hetermoe.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.hetermoe.run.Json;
import org.hetermoe.run.RunPlan;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.WorkerProfile;

/**
 * The coordinator's REST API, one method an endpoint. What only reads, and what may be done twice,
 * is repeated as the settings say; what would do something twice is sent once. Connects when it is
 * first used. Safe for several threads.
 *
 * <p>All methods throw {@link ApiException} where the coordinator refuses, fails or stays away.
 */
public final class CoordinatorClient implements AutoCloseable {
  private static final int STEPS_PER_PAGE = 1_000;
  private static final int PARTIAL_CONTENT = 206;

  private final ClientSettings settings;
  private final HttpCalls calls;

  /** A client with these settings. */
  public CoordinatorClient(ClientSettings settings) {
    this.settings = settings;
    this.calls = new HttpCalls(settings);
  }

  /** A client of the same coordinator that sends each request once. */
  public CoordinatorClient impatient() {
    return new CoordinatorClient(settings.withRetry(RetryPolicy.NONE));
  }

  /** The coordinator's address. */
  public URI url() {
    return settings.url();
  }

  /** Queues a run. */
  public RunView submit(RunSpec spec) throws ApiException, InterruptedException {
    return calls.once(postJson("/runs", spec), json(RunView.class));
  }

  /** Runs, newest first, without specification and history. */
  public List<RunView> runs(int limit) throws ApiException, InterruptedException {
    return get("/runs?limit=" + limit, RunList.class).runs();
  }

  /**
   * A run.
   *
   * @param id its id, or the first 4 or more digits of it
   */
  public RunView run(String id) throws ApiException, InterruptedException {
    return get("/runs/" + encoded(id), RunView.class);
  }

  /** A run. */
  public RunView run(UUID id) throws ApiException, InterruptedException {
    return run(id.toString());
  }

  /** Has a run end after its current step, with a checkpoint. */
  public RunView stop(UUID run) throws ApiException, InterruptedException {
    return calls.once(post("/runs/" + run + "/stop"), json(RunView.class));
  }

  /** Queues an ended run again, to go on from its newest complete checkpoint. */
  public RunView resume(UUID run) throws ApiException, InterruptedException {
    return calls.once(post("/runs/" + run + "/resume"), json(RunView.class));
  }

  /** Has experts moved while a run runs, as the planner decides. */
  public RunPlan rebalance(UUID run) throws ApiException, InterruptedException {
    return calls.once(post("/runs/" + run + "/rebalance"), json(RunPlan.class));
  }

  /** Has experts moved while a run runs, as requested. */
  public RunPlan rebalance(UUID run, RebalanceRequest request)
      throws ApiException, InterruptedException {
    return calls.once(postJson("/runs/" + run + "/rebalance", request), json(RunPlan.class));
  }

  /** A page of step metrics from a step on, ascending; empty past the last. */
  public List<StepMetrics> steps(UUID run, int from) throws ApiException, InterruptedException {
    return get("/runs/" + run + "/steps?from=" + from + "&limit=" + STEPS_PER_PAGE, StepList.class)
        .steps();
  }

  /** What was planned for a run; empty where it has not been planned. */
  public Optional<PlanView> plan(UUID run) throws ApiException, InterruptedException {
    return found("/runs/" + run + "/plan", PlanView.class);
  }

  /** Who owns which expert in the present or last attempt; empty where it has not been placed. */
  public Optional<PlacementView> placement(UUID run) throws ApiException, InterruptedException {
    return found("/runs/" + run + "/placement", PlacementView.class);
  }

  /** All workers that were ever heard of, by id. */
  public List<WorkerView> workers() throws ApiException, InterruptedException {
    return get("/workers", WorkerList.class).workers();
  }

  /** The profiles of a device under one version of the software: one, or none. */
  public List<WorkerProfile> profiles(String device, String softwareVersion)
      throws ApiException, InterruptedException {
    return get(
            "/profiles?device=" + encoded(device) + "&software_version=" + encoded(softwareVersion),
            ProfileList.class)
        .profiles();
  }

  /** Complete checkpoints, newest first. */
  public List<CheckpointView> checkpoints(UUID run) throws ApiException, InterruptedException {
    return get("/runs/" + run + "/checkpoints", CheckpointList.class).checkpoints();
  }

  /** The complete checkpoint at a step. */
  public CheckpointView checkpoint(UUID run, int step) throws ApiException, InterruptedException {
    return get(checkpointPath(run, step), CheckpointView.class);
  }

  /**
   * Stores a chunk of a shard; may be repeated.
   *
   * @param attempt the attempt that writes
   * @param index of the chunk, from 0
   * @param content 1 byte to 8 MiB
   */
  public void putChunk(UUID run, int attempt, int step, String shard, int index, byte[] content)
      throws ApiException, InterruptedException {
    String path = shardPath(run, step, shard) + "/chunks/" + index + "?attempt=" + attempt;
    calls.repeatedly(
        calls
            .request(path)
            .header("Content-Type", "application/octet-stream")
            .header(Crc32c.HEADER, Crc32c.of(content).toString())
            .PUT(BodyPublishers.ofByteArray(content))
            .build(),
        HttpResponse::statusCode);
  }

  /** Says that all chunks of a shard were stored; may be repeated. */
  public void completeShard(UUID run, int attempt, int step, String shard, ShardSummary summary)
      throws ApiException, InterruptedException {
    calls.repeatedly(
        postJson(shardPath(run, step, shard) + "?attempt=" + attempt, summary),
        HttpResponse::statusCode);
  }

  /**
   * Bytes of a shard.
   *
   * @param first offset of the first
   * @param length how many, at least 1
   */
  public byte[] readShard(UUID run, int step, String shard, long first, int length)
      throws ApiException, InterruptedException {
    long last = first + length - 1;
    HttpRequest request =
        calls
            .request(shardPath(run, step, shard))
            .header("Range", "bytes=" + first + "-" + last)
            .GET()
            .build();
    String expected = "bytes " + first + "-" + last + "/";
    return calls.repeatedly(request, reply -> range(reply, expected, length));
  }

  @Override
  public void close() {
    calls.close();
  }

  private <T> T get(String path, Class<T> type) throws ApiException, InterruptedException {
    HttpRequest request = calls.request(path).header("Accept", "application/json").GET().build();
    return calls.repeatedly(request, json(type));
  }

  private <T> Optional<T> found(String path, Class<T> type)
      throws ApiException, InterruptedException {
    try {
      return Optional.of(get(path, type));
    } catch (ApiException e) {
      if (e.notFound()) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private HttpRequest post(String path) {
    return calls
        .request(path)
        .header("Accept", "application/json")
        .POST(BodyPublishers.noBody())
        .build();
  }

  private HttpRequest postJson(String path, Object body) {
    try {
      return calls
          .request(path)
          .header("Accept", "application/json")
          .header("Content-Type", "application/json")
          .POST(BodyPublishers.ofByteArray(Json.MAPPER.writeValueAsBytes(body)))
          .build();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("requests always have a JSON form", e);
    }
  }

  /** What a newer coordinator adds does not disturb. */
  private static <T> HttpCalls.Reader<T> json(Class<T> type) {
    return reply ->
        Json.MAPPER
            .readerFor(type)
            .without(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .readValue(reply.body());
  }

  private static byte[] range(HttpResponse<byte[]> reply, String expected, int length)
      throws IOException {
    Optional<String> range = reply.headers().firstValue("Content-Range");
    if (reply.statusCode() != PARTIAL_CONTENT
        || !range.map(given -> given.startsWith(expected)).orElse(false)) {
      throw new IOException(
          "asked for %s, got status %d with range %s"
              .formatted(expected, reply.statusCode(), range.orElse("none")));
    }
    byte[] body = reply.body();
    if (body.length != length) {
      throw new IOException("asked for %d bytes, got %d".formatted(length, body.length));
    }
    Optional<String> checksum = reply.headers().firstValue(Crc32c.HEADER);
    if (checksum.isPresent() && !checksum.get().equals(Crc32c.of(body).toString())) {
      throw new IOException("%s: bytes and checksum do not match".formatted(expected));
    }
    return body;
  }

  private static String checkpointPath(UUID run, int step) {
    return "/runs/" + run + "/checkpoints/" + step;
  }

  private static String shardPath(UUID run, int step, String shard) {
    return checkpointPath(run, step) + "/shards/" + encoded(shard);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }
}
