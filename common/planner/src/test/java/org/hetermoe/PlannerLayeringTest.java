package org.hetermoe;

import java.util.List;
import java.util.Map;
import org.hetermoe.testing.Layering;

class PlannerLayeringTest extends Layering {
  PlannerLayeringTest() {
    super(
        Map.of(
            "cluster",
            List.of("device", "model", "tensor"),
            "plan",
            List.of("cluster", "device", "group", "run", "schedule", "model", "tensor"),
            "plan.place",
            List.of("plan", "run", "group", "schedule"),
            "plan.cluster",
            List.of(
                "plan.place",
                "plan",
                "cluster",
                "device",
                "group",
                "schedule",
                "run",
                "model",
                "tensor"),
            "simulate",
            List.of(
                "plan.place",
                "plan",
                "cluster",
                "device",
                "group",
                "schedule",
                "run",
                "model",
                "tensor")),
        Map.of());
  }
}
