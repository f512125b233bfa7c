package org.hetermoe.worker;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.openapi.annotations.Operation;

/** Shows what the worker does. */
@Path("/api/v1/status")
public class StatusResource {
  private final WorkerProcess process;

  StatusResource(WorkerProcess process) {
    this.process = process;
  }

  /** What this process is and does now. */
  @GET
  @Produces(MediaType.APPLICATION_JSON)
  @Operation(summary = "What this worker is and does now")
  public WorkerStatus status() {
    return process.status();
  }
}
