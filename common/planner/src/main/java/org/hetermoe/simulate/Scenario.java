package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.cluster.Device;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.StepSpec;
import org.hetermoe.plan.Training;
import org.hetermoe.plan.place.Planner;

/**
 * What is trained, on what.
 *
 * @param model its sizes
 * @param length of a sequence, tokens
 * @param attention devices that attend where roles are split
 * @param expert devices that compute experts where roles are split
 * @param training what training does
 * @param loads of the experts
 * @param planner of HeterMoE
 * @param microBatches that HeterMoE uses; 0 to tune them
 */
public record Scenario(
    ModelShape model,
    int length,
    List<Device> attention,
    List<Device> expert,
    Training training,
    ExpertLoads loads,
    Planner planner,
    int microBatches) {
  public Scenario {
    attention = List.copyOf(attention);
    expert = List.copyOf(expert);
  }

  /** All devices, those that attend first. */
  List<Device> devices() {
    List<Device> all = new ArrayList<>(attention);
    all.addAll(expert);
    return all;
  }

  /** Whether every device can compute attention. */
  boolean allAttend() {
    return devices().stream().allMatch(device -> device.profile().attention());
  }

  /** The devices of each kind, in order. */
  Map<String, List<Device>> byKind() {
    Map<String, List<Device>> kinds = new LinkedHashMap<>();
    for (Device device : devices()) {
      kinds.computeIfAbsent(device.profile().name(), name -> new ArrayList<>()).add(device);
    }
    return kinds;
  }

  /** A step of one group. */
  StepSpec step(int sequencesOfMicroBatch, int microBatchesOfStep) {
    return StepSpec.alike(
        model, length, sequencesOfMicroBatch, microBatchesOfStep, training, 1, loads);
  }
}
