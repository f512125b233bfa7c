package org.hetermoe.coordinator.run;

import io.quarkus.narayana.jta.QuarkusTransaction;
import jakarta.transaction.Transactional;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.net.URI;
import java.util.List;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.hetermoe.api.Problem;
import org.hetermoe.api.RunList;
import org.hetermoe.api.RunView;
import org.hetermoe.coordinator.placement.AssignedWorker;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.problem.Parameters;
import org.hetermoe.group.Placement;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.RunSpec;

/** Submits, shows, stops and resumes runs. */
@Path("/api/v1/runs")
@Tag(name = "runs")
@Produces(MediaType.APPLICATION_JSON)
public class RunResource {
  private static final int DEFAULT_PAGE = 50;
  private static final int LARGEST_PAGE = 1_000;

  private final RunRepository runs;
  private final RunRequests requests;
  private final RunScheduler scheduler;
  private final RunFiles files;
  private final AssignmentRepository assignments;

  RunResource(
      RunRepository runs,
      RunRequests requests,
      RunScheduler scheduler,
      RunFiles files,
      AssignmentRepository assignments) {
    this.runs = runs;
    this.requests = requests;
    this.scheduler = scheduler;
    this.files = files;
    this.assignments = assignments;
  }

  /** Queues a run. */
  @POST
  @Consumes({"application/json", "application/yaml", "application/x-yaml", "text/yaml"})
  @Operation(summary = "Submit a run file; fields that it leaves out take their defaults")
  @RequestBody(
      required = true,
      content = {
        @Content(mediaType = "application/json", schema = @Schema(implementation = RunSpec.class)),
        @Content(mediaType = "application/yaml", schema = @Schema(implementation = RunSpec.class))
      })
  @APIResponse(
      responseCode = "201",
      description = "The run is queued",
      content = @Content(schema = @Schema(implementation = RunView.class)))
  @APIResponse(
      responseCode = "400",
      description = "A field of the run file is unusable; the problem names it",
      content =
          @Content(
              mediaType = Problem.MEDIA_TYPE,
              schema = @Schema(implementation = Problem.class)))
  public Response submit(byte[] body) {
    UUID id = requests.submit(files.read(body));
    scheduler.wake();
    return Response.created(URI.create("/api/v1/runs/" + id)).entity(view(id)).build();
  }

  /** A page of runs, newest first. */
  @GET
  @Operation(summary = "Runs, newest first, without specification and history")
  @Transactional
  public RunList list(
      @QueryParam("limit") String limit,
      @QueryParam("before") String before,
      @QueryParam("state") String state) {
    int size = Parameters.whole("limit", limit, DEFAULT_PAGE, 1, LARGEST_PAGE);
    UUID last = before == null ? null : named("before", before);
    if (state != null) {
      checkState(state);
    }
    return new RunList(runs.page(size, last, state));
  }

  /** All about a run. */
  @GET
  @Path("/{id}")
  @Operation(summary = "A run, by its id or the first 4 or more digits of it")
  public RunView show(@PathParam("id") String id) {
    return view(runs.resolve(id));
  }

  /** Ends a run early. */
  @POST
  @Path("/{id}/stop")
  @Operation(summary = "End a run after its current step, with a checkpoint")
  @APIResponse(
      responseCode = "202",
      description = "It will stop",
      content = @Content(schema = @Schema(implementation = RunView.class)))
  public Response stop(@PathParam("id") String id) {
    UUID run = runs.resolve(id);
    requests.stop(run);
    scheduler.wake();
    return Response.accepted(view(run)).build();
  }

  /** Goes on with an ended run. */
  @POST
  @Path("/{id}/resume")
  @Operation(summary = "Go on with an ended run from its newest complete checkpoint")
  @APIResponse(
      responseCode = "202",
      description = "It is queued again",
      content = @Content(schema = @Schema(implementation = RunView.class)))
  public Response resume(@PathParam("id") String id) {
    UUID run = runs.resolve(id);
    requests.resume(run);
    scheduler.wake();
    return Response.accepted(view(run)).build();
  }

  private UUID named(String parameter, String id) {
    try {
      return runs.resolve(id);
    } catch (InvalidFieldException e) {
      InvalidFieldException problem =
          new InvalidFieldException(parameter, e.getMessage().replaceFirst("^id: ", ""));
      problem.initCause(e);
      throw problem;
    }
  }

  private static void checkState(String state) {
    if (!RunState.LABELS.contains(state)) {
      throw new InvalidFieldException(
          "state", "must be one of " + String.join(", ", RunState.LABELS) + ", is '" + state + "'");
    }
  }

  private RunView view(UUID id) {
    return QuarkusTransaction.joiningExisting().call(() -> read(id));
  }

  private RunView read(UUID id) {
    Run run = runs.get(id);
    Placement placement = assignments.placement(id, run.attempt()).orElse(null);
    List<Assignment.Member> members =
        assignments.members(id, run.attempt()).stream().map(AssignedWorker::member).toList();
    return new RunView(
        run.id(),
        run.name(),
        run.state().label(),
        run.state().reason(),
        run.createdAt(),
        run.updatedAt(),
        run.softwareVersion(),
        run.attempt(),
        run.steps(),
        run.stepsDone(),
        run.lastLoss(),
        run.evaluationLoss(),
        run.checkpointStep(),
        run.spec(),
        placement,
        members,
        runs.history(id));
  }
}
