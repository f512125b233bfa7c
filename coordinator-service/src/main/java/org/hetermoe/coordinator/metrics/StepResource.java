package org.hetermoe.coordinator.metrics;

import jakarta.transaction.Transactional;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.hetermoe.api.StepList;
import org.hetermoe.coordinator.problem.Parameters;
import org.hetermoe.coordinator.run.RunRepository;

/** The step metrics of a run. */
@Path("/api/v1/runs/{id}/steps")
@Tag(name = "runs")
@Produces(MediaType.APPLICATION_JSON)
public class StepResource {
  private static final int DEFAULT_PAGE = 1_000;
  private static final int LARGEST_PAGE = 10_000;

  private final RunRepository runs;
  private final StepHistory history;

  StepResource(RunRepository runs, StepHistory history) {
    this.runs = runs;
    this.history = history;
  }

  /** Steps from one on, ascending. */
  @GET
  @Operation(
      summary =
          "Metrics of steps from one on, ascending; a page may be short, the last one is empty")
  @Transactional
  public StepList list(
      @PathParam("id") String id,
      @QueryParam("from") String from,
      @QueryParam("limit") String limit) {
    int first = Parameters.whole("from", from, 0, 0, Integer.MAX_VALUE);
    int size = Parameters.whole("limit", limit, DEFAULT_PAGE, 1, LARGEST_PAGE);
    return new StepList(history.page(runs.resolve(id), first, size));
  }
}
