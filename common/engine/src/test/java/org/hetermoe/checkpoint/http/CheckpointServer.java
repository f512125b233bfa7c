package org.hetermoe.checkpoint.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.hetermoe.api.CheckpointView;
import org.hetermoe.run.Json;

/** The checkpoint part of the coordinator's REST API over memory, with faults on demand. */
final class CheckpointServer implements AutoCloseable {
  private static final Pattern SHARD =
      Pattern.compile("/api/v1/runs/([^/]+)/checkpoints/(\\d+)/shards/([^/]+)(/chunks/(\\d+))?");
  private static final Pattern CHECKPOINT =
      Pattern.compile("/api/v1/runs/([^/]+)/checkpoints/(\\d+)");
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d+)");

  /** What goes wrong with one request. */
  enum Fault {
    /** The connection ends without a reply. */
    HANG_UP,
    /** Status 503. */
    UNAVAILABLE,
    /** Status 409 with problem+json. */
    CONFLICT,
    /** A reply with one bit turned, and the right checksum. */
    BIT_TURNED,
    /** A reply that lacks its last byte. */
    SHORT,
    /** The whole shard in reply to a range. */
    NO_RANGE
  }

  private final HttpServer server;
  private final Map<String, Map<Integer, byte[]>> chunks = new ConcurrentHashMap<>();
  private final Map<String, byte[]> shards = new ConcurrentHashMap<>();
  private final Map<String, List<String>> tensors = new ConcurrentHashMap<>();
  final Queue<Fault> faults = new ConcurrentLinkedQueue<>();
  final List<String> requests = new CopyOnWriteArrayList<>();
  final AtomicInteger largestChunk = new AtomicInteger();

  CheckpointServer(int port) throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    server.createContext("/", this::handle);
    server.start();
  }

  int port() {
    return server.getAddress().getPort();
  }

  URI uri() {
    return URI.create("http://127.0.0.1:" + port());
  }

  byte[] shard(String name) {
    return shards.get(name);
  }

  /** Puts a shard there that nobody has uploaded. */
  void put(String name, byte[] content, List<String> names) {
    shards.put(name, content);
    tensors.put(name, names);
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
      byte[] body = exchange.getRequestBody().readAllBytes();
      Fault fault = faults.poll();
      if (fault == Fault.HANG_UP) {
        return;
      }
      if (fault == Fault.UNAVAILABLE) {
        reply(exchange, 503, "upstream away");
        return;
      }
      if (fault == Fault.CONFLICT) {
        reply(exchange, 409, "{\"status\":409,\"detail\":\"attempt 1 is over\"}");
        return;
      }
      Matcher shard = SHARD.matcher(path);
      if (shard.matches()) {
        handleShard(exchange, shard, body, fault);
        return;
      }
      Matcher checkpoint = CHECKPOINT.matcher(path);
      if (checkpoint.matches() && !shards.isEmpty()) {
        reply(exchange, 200, Json.MAPPER.writeValueAsString(view(checkpoint)));
      } else {
        reply(exchange, 404, "{\"title\":\"no such checkpoint\"}");
      }
    }
  }

  private CheckpointView view(Matcher checkpoint) {
    List<CheckpointView.Shard> views = new ArrayList<>();
    shards.forEach(
        (name, content) ->
            views.add(new CheckpointView.Shard(name, content.length, "unused", tensors.get(name))));
    return new CheckpointView(
        UUID.fromString(checkpoint.group(1)),
        Integer.parseInt(checkpoint.group(2)),
        Instant.EPOCH,
        1,
        views);
  }

  private void handleShard(HttpExchange exchange, Matcher path, byte[] body, Fault fault)
      throws IOException {
    String name = path.group(3);
    switch (exchange.getRequestMethod()) {
      case "PUT" -> {
        String declared = exchange.getRequestHeaders().getFirst("X-Checksum-Crc32c");
        if (!crc(body).equals(declared)) {
          reply(exchange, 422, "checksum");
          return;
        }
        largestChunk.accumulateAndGet(body.length, Math::max);
        chunks
            .computeIfAbsent(name, _ -> new TreeMap<>())
            .put(Integer.parseInt(path.group(5)), body);
        exchange.sendResponseHeaders(204, -1);
      }
      case "POST" -> {
        JsonNode summary = Json.MAPPER.readTree(body);
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        for (byte[] chunk : chunks.get(name).values()) {
          whole.write(chunk);
        }
        if (summary.get("bytes").asLong() != whole.size()
            || summary.get("chunks").asInt() != chunks.get(name).size()
            || !summary.get("sha256").asText().equals(sha256(whole.toByteArray()))) {
          reply(exchange, 422, "{\"detail\":\"chunks do not add up\"}");
          return;
        }
        List<String> names = new ArrayList<>();
        summary.get("tensors").forEach(tensor -> names.add(tensor.asText()));
        put(name, whole.toByteArray(), names);
        exchange.sendResponseHeaders(204, -1);
      }
      default -> sendRange(exchange, shards.get(name), fault);
    }
  }

  private static void sendRange(HttpExchange exchange, byte[] shard, Fault fault)
      throws IOException {
    Matcher range = RANGE.matcher(exchange.getRequestHeaders().getFirst("Range"));
    if (!range.matches()) {
      throw new IOException("no range");
    }
    int first = Integer.parseInt(range.group(1));
    int last = Integer.parseInt(range.group(2));
    byte[] part = Arrays.copyOfRange(shard, first, last + 1);
    exchange.getResponseHeaders().set("X-Checksum-Crc32c", crc(part));
    exchange
        .getResponseHeaders()
        .set("Content-Range", "bytes " + first + "-" + last + "/" + shard.length);
    if (fault == Fault.BIT_TURNED) {
      part[part.length / 2] ^= 1;
    } else if (fault == Fault.SHORT) {
      part = Arrays.copyOf(part, part.length - 1);
    } else if (fault == Fault.NO_RANGE) {
      reply(exchange, 200, "x".repeat(part.length));
      return;
    }
    exchange.sendResponseHeaders(206, part.length);
    exchange.getResponseBody().write(part);
  }

  private static void reply(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  private static String crc(byte[] content) {
    CRC32C checksum = new CRC32C();
    checksum.update(content);
    return "%08x".formatted(checksum.getValue());
  }

  private static String sha256(byte[] content) {
    try {
      return HexFormat.of()
          .formatHex(java.security.MessageDigest.getInstance("SHA-256").digest(content));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
