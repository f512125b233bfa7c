package org.hetermoe.coordinator.worker;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.hetermoe.api.WorkerList;

/** The workers. */
@Path("/api/v1/workers")
@Tag(name = "workers")
@Produces(MediaType.APPLICATION_JSON)
public class WorkerResource {
  private final WorkerRegistry registry;

  WorkerResource(WorkerRegistry registry) {
    this.registry = registry;
  }

  /** All workers that were ever heard of, by id. */
  @GET
  @Operation(summary = "Workers, whether they live, what they do, and the links between them")
  public WorkerList list() {
    return new WorkerList(registry.all());
  }
}
