package org.hetermoe.coordinator.checkpoint;

import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.transaction.Transactional;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.hetermoe.api.CheckpointList;
import org.hetermoe.api.CheckpointView;
import org.hetermoe.api.Crc32c;
import org.hetermoe.api.ShardSummary;
import org.hetermoe.coordinator.problem.Parameters;
import org.hetermoe.coordinator.problem.ProblemException;
import org.hetermoe.coordinator.run.RunRepository;
import org.hetermoe.model.InvalidFieldException;

/** Takes checkpoints from workers and gives them back. */
@Path("/api/v1/runs/{id}/checkpoints")
@Tag(name = "checkpoints")
@Produces(MediaType.APPLICATION_JSON)
public class CheckpointResource {
  private static final int LARGEST_CHUNK = 8 << 20;

  private final RunRepository runs;
  private final CheckpointRepository checkpoints;
  private final CheckpointWriter writer;
  private final CheckpointRetention retention;
  private final ShardReader reader;

  CheckpointResource(
      RunRepository runs,
      CheckpointRepository checkpoints,
      CheckpointWriter writer,
      CheckpointRetention retention,
      ShardReader reader) {
    this.runs = runs;
    this.checkpoints = checkpoints;
    this.writer = writer;
    this.retention = retention;
    this.reader = reader;
  }

  /** Complete checkpoints, newest first. */
  @GET
  @Operation(summary = "Complete checkpoints, newest first")
  @Transactional
  public CheckpointList list(@PathParam("id") String id) {
    return new CheckpointList(checkpoints.all(runs.resolve(id)));
  }

  /** A complete checkpoint. */
  @GET
  @Path("/{step}")
  @Operation(summary = "The complete checkpoint at a step, or the latest")
  @Transactional
  public CheckpointView show(@PathParam("id") String id, @PathParam("step") String step) {
    return find(id, step).view();
  }

  /** A shard, or a range of it. */
  @GET
  @Path("/{step}/shards/{shard}")
  @Produces(MediaType.APPLICATION_OCTET_STREAM)
  @Operation(summary = "A shard as a safetensors file, or a range of it")
  @APIResponse(responseCode = "200", description = "The whole shard")
  @APIResponse(responseCode = "206", description = "The range that was asked for")
  @APIResponse(responseCode = "416", description = "The shard has no such range")
  public Response read(
      @PathParam("id") String id,
      @PathParam("step") String step,
      @PathParam("shard") String name,
      @HeaderParam("Range") String header)
      throws IOException {
    // A transaction that has ended before chunks are read, in others: one connection at a time.
    ShardReader.ShardContent shard =
        QuarkusTransaction.requiringNew().call(() -> open(id, step, name));
    boolean partial = ByteRange.single(header);
    ByteRange range =
        partial
            ? ByteRange.of(header, shard.bytes())
                .orElseThrow(
                    () ->
                        ProblemException.rangeNotSatisfiable(
                            "The shard has " + shard.bytes() + " bytes", shard.bytes()))
            : ByteRange.all(shard.bytes());
    reader.probe(shard, range);
    Response.ResponseBuilder answer =
        Response.status(partial ? 206 : 200)
            .entity((StreamingOutput) target -> reader.copy(shard, range, target))
            .header(HttpHeaders.CONTENT_LENGTH, range.length())
            .header("Accept-Ranges", "bytes")
            .header(HttpHeaders.ETAG, '"' + shard.sha256() + '"');
    if (partial) {
      answer.header(
          "Content-Range", "bytes " + range.first() + "-" + range.last() + "/" + shard.bytes());
    }
    return answer.build();
  }

  /** Takes a chunk of a shard. */
  @PUT
  @Path("/{step}/shards/{shard}/chunks/{index}")
  @Consumes(MediaType.APPLICATION_OCTET_STREAM)
  @Operation(summary = "Store a chunk of a shard; may be repeated")
  @APIResponse(responseCode = "204", description = "It is stored")
  @APIResponse(responseCode = "409", description = "The attempt is over, or has no such shard")
  @APIResponse(responseCode = "413", description = "It has more than 8 MiB")
  @APIResponse(responseCode = "422", description = "The body does not have that checksum")
  public void putChunk(
      @PathParam("id") String id,
      @PathParam("step") String step,
      @PathParam("shard") String shard,
      @PathParam("index") String index,
      @QueryParam("attempt") String attempt,
      @HeaderParam(Crc32c.HEADER) String checksum,
      byte[] content) {
    int position = Parameters.whole("index", index, 0, Integer.MAX_VALUE);
    ShardKey key = key(id, step, shard, attempt);
    Crc32c declared = Crc32c.parse(Crc32c.HEADER, checksum);
    if (content == null || content.length == 0) {
      throw new InvalidFieldException("body", "must not be empty");
    }
    if (content.length > LARGEST_CHUNK) {
      throw ProblemException.tooLarge(
          "A chunk may have " + LARGEST_CHUNK + " bytes, this one has " + content.length);
    }
    Crc32c actual = Crc32c.of(content);
    if (!actual.equals(declared)) {
      throw ProblemException.unprocessable(
          "The body has the CRC-32C " + actual + ", not " + declared);
    }
    writer.putChunk(key, position, declared, content);
  }

  /** Notes that all chunks of a shard were sent. */
  @POST
  @Path("/{step}/shards/{shard}")
  @Consumes(MediaType.APPLICATION_JSON)
  @Operation(summary = "Complete a shard; with its last shard the checkpoint becomes visible")
  @APIResponse(responseCode = "204", description = "The shard is complete")
  @APIResponse(responseCode = "409", description = "The attempt is over, or has no such shard")
  @APIResponse(responseCode = "422", description = "Chunks are missing or do not add up")
  public void completeShard(
      @PathParam("id") String id,
      @PathParam("step") String step,
      @PathParam("shard") String shard,
      @QueryParam("attempt") String attempt,
      ShardSummary summary) {
    ShardKey key = key(id, step, shard, attempt);
    if (summary == null) {
      throw new InvalidFieldException("body", "must not be empty");
    }
    if (writer.completeShard(key, summary)) {
      retention.onComplete(key.run(), key.step());
    }
  }

  private ShardKey key(String id, String step, String shard, String attempt) {
    int after = Parameters.whole("step", step, 0, Integer.MAX_VALUE);
    int number = Parameters.whole("attempt", attempt, 1, Integer.MAX_VALUE);
    UUID run = runs.resolve(id);
    return new ShardKey(run, number, after, shard);
  }

  private ShardReader.ShardContent open(String id, String step, String name) {
    return find(id, step).shards().stream()
        .filter(candidate -> candidate.name().equals(name))
        .findFirst()
        .map(reader::open)
        .orElseThrow(() -> ProblemException.notFound("The checkpoint has no shard '" + name + "'"));
  }

  private StoredCheckpoint find(String id, String step) {
    UUID run = runs.resolve(id);
    if (step.equals("latest")) {
      return checkpoints
          .newest(run)
          .orElseThrow(
              () -> ProblemException.notFound("Run " + run + " has no complete checkpoint"));
    }
    int after = Parameters.whole("step", step, 0, Integer.MAX_VALUE);
    return checkpoints
        .at(run, after)
        .orElseThrow(
            () ->
                ProblemException.notFound(
                    "Run " + run + " has no complete checkpoint at step " + after));
  }
}
