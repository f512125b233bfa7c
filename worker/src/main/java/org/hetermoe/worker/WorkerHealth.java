package org.hetermoe.worker;

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Ready once peers can reach the direct channel and activations over the broker find their way. */
@Readiness
@ApplicationScoped
class WorkerHealth implements HealthCheck {
  private final RunChannels channels;
  private final ActivationTopic activations;
  private final WorkerIdentity identity;

  WorkerHealth(RunChannels channels, ActivationTopic activations, WorkerIdentity identity) {
    this.channels = channels;
    this.activations = activations;
    this.identity = identity;
  }

  @Override
  public HealthCheckResponse call() {
    DirectEndpoint endpoint = channels.endpoint();
    return HealthCheckResponse.named("activation channels")
        .status(channels.listening() && activations.ready())
        .withData("direct", endpoint.host() + ":" + endpoint.port())
        .withData("topic", identity.activationTopic() + "/" + identity.partition())
        .build();
  }
}
