package org.hetermoe.worker;

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/** Alive while peers can connect: nothing but a new process makes the server socket anew. */
@Liveness
@ApplicationScoped
class WorkerLiveness implements HealthCheck {
  private final RunChannels channels;

  WorkerLiveness(RunChannels channels) {
    this.channels = channels;
  }

  @Override
  public HealthCheckResponse call() {
    return HealthCheckResponse.named("direct channel").status(channels.listening()).build();
  }
}
