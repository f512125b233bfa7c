package org.hetermoe.run;

import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelConfig;

/**
 * A run file with every field resolved: all that decides the numbers of a run, and who computes
 * them. In files and over REST its fields are in snake case; defaults stand in {@code
 * run-defaults.yaml} and nowhere else.
 *
 * @param name what people call the run
 * @param seed of initial weights and of the order of the data
 * @param channel how activations travel
 * @param compute device of every worker: {@code service} (each service's own configuration) or a
 *     device name
 * @param precision types that the sides compute in
 */
public record RunSpec(
    String name,
    long seed,
    ChannelKind channel,
    String compute,
    PrecisionSpec precision,
    ModelConfig model,
    DataSpec data,
    OptimizerSpec optimizer,
    TrainingSpec training,
    WorkersSpec workers,
    PlanningSpec planning,
    EmulationSpec emulation) {
  /** In {@code compute}: each service's own device. */
  public static final String OWN_DEVICES = "service";

  public RunSpec {
    if (name.isBlank() || name.length() > 200) {
      throw new InvalidFieldException("name", "must have 1 to 200 characters");
    }
    if (compute.isBlank()) {
      throw new InvalidFieldException("compute", "must be 'service' or the name of a device");
    }
    long placed = workers.expertCounts().stream().mapToLong(Integer::longValue).sum();
    if (!workers.expertCounts().isEmpty() && placed != model.experts()) {
      throw new InvalidFieldException(
          "workers.expert_counts",
          "must add up to model.experts (" + model.experts() + "), add up to " + placed);
    }
    if (data.tokenizer().equals("bytes") && model.vocabulary() < 256) {
      throw new InvalidFieldException(
          "model.vocabulary",
          "must be at least 256 for data.tokenizer 'bytes', is " + model.vocabulary());
    }
  }

  /** The same for an attempt with so many expert workers. */
  public RunSpec withExpertWorkers(int number) {
    return new RunSpec(
        name,
        seed,
        channel,
        compute,
        precision,
        model,
        data,
        optimizer,
        training,
        workers.withExperts(number),
        planning,
        emulation);
  }

  /** Whether each worker computes on the device that its service was given. */
  public boolean ownDevices() {
    return compute.equals(OWN_DEVICES);
  }
}
