package org.hetermoe.coordinator.broker;

import jakarta.enterprise.context.ApplicationScoped;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/**
 * Tells whether the broker answers, as a detail: while it does not, this process answers requests
 * all the same, workers store their checkpoints through it, and nobody is helped by taking it out
 * of service.
 */
@Readiness
@ApplicationScoped
class BrokerHealth implements HealthCheck {
  private final BrokerProbe broker;

  BrokerHealth(BrokerProbe broker) {
    this.broker = broker;
  }

  @Override
  public HealthCheckResponse call() {
    BrokerProbe.Seen seen = broker.seen();
    return HealthCheckResponse.named("broker")
        .up()
        .withData("kafka", seen.answers() ? "answers" : "away")
        .withData("since", seen.since().toString())
        .build();
  }
}
