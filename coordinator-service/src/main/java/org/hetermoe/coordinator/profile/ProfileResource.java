package org.hetermoe.coordinator.profile;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.hetermoe.api.ProfileList;

/** The profiles of devices. */
@Path("/api/v1/profiles")
@Tag(name = "workers")
@Produces(MediaType.APPLICATION_JSON)
public class ProfileResource {
  private final ProfileRegistry registry;

  ProfileResource(ProfileRegistry registry) {
    this.registry = registry;
  }

  /** Profiles, by device. */
  @GET
  @Operation(summary = "How fast the devices of workers are, measured or emulated")
  public ProfileList list(
      @QueryParam("device") String device, @QueryParam("software_version") String softwareVersion) {
    return new ProfileList(registry.all(device, softwareVersion));
  }
}
