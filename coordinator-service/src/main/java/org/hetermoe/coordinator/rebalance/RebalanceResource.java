package org.hetermoe.coordinator.rebalance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.hetermoe.coordinator.run.RunRepository;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.Json;
import org.hetermoe.run.RunPlan;
import org.hetermoe.run.RunSpec;

/** Moves experts on request. */
@Path("/api/v1/runs/{id}/rebalance")
@Tag(name = "runs")
@Produces(MediaType.APPLICATION_JSON)
public class RebalanceResource {
  private final RunRepository runs;
  private final Rebalancer rebalancer;

  RebalanceResource(RunRepository runs, Rebalancer rebalancer) {
    this.runs = runs;
    this.rebalancer = rebalancer;
  }

  /**
   * Has experts moved at the next step boundary.
   *
   * @param body empty for the planner's choice; or an object with either {@code expert_counts}, as
   *     in the run file, or {@code placement}, per layer the owner of each expert
   */
  @POST
  @Consumes({MediaType.APPLICATION_JSON, MediaType.WILDCARD})
  @Operation(summary = "Move experts while the run runs: as the planner decides, or as asked")
  @APIResponse(
      responseCode = "202",
      description = "The plan that the workers follow from the next step boundary on",
      content = @Content(schema = @Schema(implementation = RunPlan.class)))
  @APIResponse(
      responseCode = "409",
      description = "The run is not running, or its experts are about to move already")
  public Response rebalance(@PathParam("id") String id, byte[] body) {
    UUID run = runs.resolve(id);
    RunPlan plan = rebalancer.request(run, asked(body, runs.specOf(run)));
    return Response.accepted(plan).build();
  }

  private static Optional<Placement> asked(byte[] body, RunSpec spec) {
    if (body == null || body.length == 0) {
      return Optional.empty();
    }
    JsonNode tree = read(body);
    JsonNode counts = tree.get("expert_counts");
    JsonNode placement = tree.get("placement");
    if (!tree.isObject() || (counts == null) == (placement == null) || tree.size() != 1) {
      throw new InvalidFieldException(
          "body", "must be empty, or an object with either expert_counts or placement");
    }
    Placement asked = counts == null ? placement(placement) : counted(counts, spec);
    boolean onAttention =
        asked.workers().stream().anyMatch(worker -> worker.role() == WorkerRank.Role.ATTENTION);
    if (onAttention && !spec.planning().asymEa()) {
      throw new InvalidFieldException(
          "placement", "must leave experts on expert workers: the run has planning.asym_ea false");
    }
    return Optional.of(asked);
  }

  private static JsonNode read(byte[] body) {
    try {
      return Json.MAPPER.readTree(body);
    } catch (IOException malformed) {
      throw because(new InvalidFieldException("body", "is not JSON"), malformed);
    }
  }

  private static Placement placement(JsonNode tree) {
    if (!tree.isArray()) {
      throw new InvalidFieldException("placement", "must be a list of layers");
    }
    try {
      return Json.MAPPER.treeToValue(tree, Placement.class);
    } catch (JsonProcessingException malformed) {
      String problem = malformed.getOriginalMessage().lines().findFirst().orElse("");
      throw because(
          new InvalidFieldException(
              "placement", "must name the owner of each expert, layer by layer: " + problem),
          malformed);
    }
  }

  private static Placement counted(JsonNode tree, RunSpec spec) {
    if (!tree.isArray()) {
      throw new InvalidFieldException("expert_counts", "must be a list of whole numbers");
    }
    List<Integer> counts = new ArrayList<>();
    for (JsonNode count : tree) {
      if (!count.isIntegralNumber() || !count.canConvertToInt() || count.intValue() < 0) {
        throw new InvalidFieldException(
            "expert_counts", "must be whole numbers of 0 or more, has " + count);
      }
      counts.add(count.intValue());
    }
    long sum = counts.stream().mapToLong(Integer::longValue).sum();
    if (!spec.workers().experts().contains(counts.size()) || sum != spec.model().experts()) {
      throw new InvalidFieldException(
          "expert_counts",
          "must name a count for each of the %s expert workers, %d in all, is %s"
              .formatted(spec.workers().experts(), spec.model().experts(), counts));
    }
    return Placement.ofCounts(spec.model().layers(), counts);
  }

  private static InvalidFieldException because(InvalidFieldException problem, Exception cause) {
    problem.initCause(cause);
    return problem;
  }
}
