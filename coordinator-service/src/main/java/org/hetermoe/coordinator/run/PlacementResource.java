package org.hetermoe.coordinator.run;

import jakarta.transaction.Transactional;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.hetermoe.api.PlacementView;
import org.hetermoe.coordinator.placement.AssignmentRepository;
import org.hetermoe.coordinator.problem.ProblemException;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;

/** The placement in use. */
@Path("/api/v1/runs/{id}/placement")
@Tag(name = "runs")
@Produces(MediaType.APPLICATION_JSON)
public class PlacementResource {
  private final RunRepository runs;
  private final AssignmentRepository assignments;

  PlacementResource(RunRepository runs, AssignmentRepository assignments) {
    this.runs = runs;
    this.assignments = assignments;
  }

  /** Which worker owns which expert, in the present or last attempt. */
  @GET
  @Operation(summary = "Owner of each expert, and experts per worker and layer")
  @Transactional
  public PlacementView show(@PathParam("id") String id) {
    Run run = runs.get(runs.resolve(id));
    Placement placement =
        assignments
            .placement(run.id(), run.attempt())
            .orElseThrow(
                () -> ProblemException.notFound("Run " + run.id() + " has not been placed yet"));
    List<PlacementView.WorkerCounts> workers =
        assignments.members(run.id(), run.attempt()).stream()
            .filter(
                member ->
                    member.rank().role() == WorkerRank.Role.EXPERT
                        || placement.workers().contains(member.rank()))
            .map(
                member ->
                    new PlacementView.WorkerCounts(
                        member.rank().toString(),
                        member.worker(),
                        placement.expertsPerLayer(member.rank())))
            .toList();
    return new PlacementView(run.id(), run.attempt(), placement, workers);
  }
}
