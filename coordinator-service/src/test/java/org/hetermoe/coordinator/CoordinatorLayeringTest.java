package org.hetermoe.coordinator;

import static java.util.Map.entry;

import java.util.List;
import java.util.Map;
import org.hetermoe.testing.Layering;

/**
 * The packages of the coordinator: what it is told (broker, problem), what it knows (profile,
 * worker, placement, planning), what it decides (run), and what follows runs (metrics, checkpoint,
 * rebalance). Runs know nothing of those that follow them, which observe {@code AttemptStarting}.
 */
class CoordinatorLayeringTest extends Layering {
  private static final List<String> FRAMEWORK = List.of("io.quarkus..", "jakarta..");
  private static final List<String> FRAMEWORK_AND_STORE =
      List.of("io.quarkus..", "jakarta..", "org.hibernate..");
  private static final List<String> FRAMEWORK_STORE_AND_BROKER =
      List.of(
          "io.quarkus..", "jakarta..", "org.hibernate..", "io.smallrye..", "org.apache.kafka..");

  CoordinatorLayeringTest() {
    super(
        Map.ofEntries(
            entry("coordinator", List.of("coordinator.broker", "coordinator.config", "run")),
            entry("coordinator.config", List.of()),
            entry("coordinator.problem", List.of("api", "model", "run")),
            entry("coordinator.broker", List.of("coordinator.config", "run")),
            entry("coordinator.profile", List.of("api", "coordinator.broker", "device", "run")),
            entry(
                "coordinator.worker",
                List.of(
                    "api", "coordinator.broker", "coordinator.profile", "group", "run", "tensor")),
            entry("coordinator.placement", List.of("group", "run", "tensor")),
            entry(
                "coordinator.planning",
                List.of(
                    "coordinator.config",
                    "coordinator.profile",
                    "cluster",
                    "device",
                    "group",
                    "model",
                    "plan",
                    "plan.place",
                    "run",
                    "schedule",
                    "simulate",
                    "tensor")),
            entry(
                "coordinator.run",
                List.of(
                    "api",
                    "coordinator.broker",
                    "coordinator.config",
                    "coordinator.placement",
                    "coordinator.planning",
                    "coordinator.problem",
                    "coordinator.profile",
                    "coordinator.worker",
                    "group",
                    "model",
                    "plan",
                    "run")),
            entry(
                "coordinator.metrics",
                List.of(
                    "api",
                    "coordinator.broker",
                    "coordinator.placement",
                    "coordinator.planning",
                    "coordinator.problem",
                    "coordinator.run",
                    "coordinator.worker",
                    "group",
                    "model",
                    "plan",
                    "run")),
            entry(
                "coordinator.checkpoint",
                List.of(
                    "api",
                    "coordinator.config",
                    "coordinator.placement",
                    "coordinator.problem",
                    "coordinator.run",
                    "group",
                    "model",
                    "run")),
            entry(
                "coordinator.rebalance",
                List.of(
                    "coordinator.broker",
                    "coordinator.metrics",
                    "coordinator.placement",
                    "coordinator.planning",
                    "coordinator.problem",
                    "coordinator.run",
                    "coordinator.worker",
                    "group",
                    "model",
                    "plan",
                    "run"))),
        Map.ofEntries(
            entry(
                "coordinator",
                List.of("io.quarkus..", "jakarta..", "org.hibernate..", "io.smallrye..")),
            entry("coordinator.config", List.of("io.smallrye..")),
            entry("coordinator.problem", FRAMEWORK),
            entry("coordinator.broker", FRAMEWORK_STORE_AND_BROKER),
            entry("coordinator.profile", FRAMEWORK_STORE_AND_BROKER),
            entry("coordinator.worker", FRAMEWORK_STORE_AND_BROKER),
            entry("coordinator.placement", FRAMEWORK_AND_STORE),
            entry("coordinator.planning", FRAMEWORK_AND_STORE),
            entry("coordinator.run", FRAMEWORK_STORE_AND_BROKER),
            entry("coordinator.metrics", FRAMEWORK_STORE_AND_BROKER),
            entry("coordinator.checkpoint", FRAMEWORK_AND_STORE),
            entry("coordinator.rebalance", FRAMEWORK)));
  }
}
