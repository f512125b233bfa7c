package org.hetermoe.coordinator.planning;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertCosts;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.plan.Passes;
import org.hetermoe.plan.WorkerCosts;
import org.hetermoe.run.RunSpec;
import org.hetermoe.schedule.Split;

/**
 * What a run costs its workers, from their profiles, as the services train: in single precision,
 * with all activations kept.
 */
final class RunCosts {
  /** Weight, gradient and two moments. */
  private static final long PARAMETER_BYTES = 4L * Float.BYTES;

  private final RunSpec spec;
  private final ModelShape model;
  private final LinkCosts link;
  private final int attentionWorkers;

  private RunCosts(RunSpec spec, LinkCosts link) {
    this.spec = spec;
    this.model = ModelShape.of(spec.name(), spec.model());
    this.link = link;
    this.attentionWorkers = spec.workers().attention();
  }

  /** Costs of a group of which all profiles are known. */
  static GroupCosts of(RunSpec spec, GroupDevices devices, ExpertLoads loads, LinkCosts link) {
    RunCosts costs = new RunCosts(spec, link);
    List<WorkerCosts> attention = new ArrayList<>();
    for (DeviceProfile device : devices.of(WorkerRank.Role.ATTENTION)) {
      attention.add(costs.attention(device, attention.size()));
    }
    List<WorkerCosts> experts =
        devices.of(WorkerRank.Role.EXPERT).stream().map(costs::expert).toList();
    return new GroupCosts(
        costs.model.layers(),
        costs.model.experts(),
        spec.training().microBatches(),
        costs.model.topK(),
        (double) costs.model.hidden() * Float.BYTES,
        attention,
        experts,
        loads);
  }

  private WorkerCosts attention(DeviceProfile device, int rank) {
    int length = spec.data().sequenceLength();
    List<Integer> shares = shares(rank);
    Passes layer =
        mean(
            shares,
            sequences -> passes(pass -> device.attentionSeconds(model, sequences, length, pass)));
    Passes embedding =
        mean(
            shares,
            sequences -> passes(pass -> device.embeddingSeconds(model, sequences * length, pass)));
    Passes head =
        mean(
            shares,
            sequences -> passes(pass -> device.headSeconds(model, sequences * length, pass)));
    double sequences = shares.stream().mapToInt(Integer::intValue).average().orElse(0);
    long parameters = model.residentParameters();
    return new WorkerCosts(
        device.name(),
        layer,
        embedding,
        head,
        expertCosts(device),
        reduceSeconds(parameters),
        device.optimizerSeconds(parameters),
        device.optimizerSeconds(model.expertParameters()),
        Math.toIntExact(Math.round(sequences * length)),
        link,
        device.memoryBytes(),
        parameters * PARAMETER_BYTES + activationBytes(sequences * length),
        expertBytes());
  }

  private WorkerCosts expert(DeviceProfile device) {
    return new WorkerCosts(
        device.name(),
        Passes.NONE,
        Passes.NONE,
        Passes.NONE,
        expertCosts(device),
        0,
        0,
        device.optimizerSeconds(model.expertParameters()),
        0,
        link,
        device.memoryBytes(),
        0,
        expertBytes());
  }

  /** Sequences of each micro-batch that an attention worker has. */
  private List<Integer> shares(int rank) {
    int microBatches = spec.training().microBatches();
    List<Integer> shares = new ArrayList<>();
    for (int microBatch = 0; microBatch < microBatches; microBatch++) {
      Split all = Split.of(spec.training().batchSequences(), microBatches, microBatch);
      shares.add(Split.of(all.count(), attentionWorkers, rank).count());
    }
    return shares;
  }

  /** The line through the times at half and at one and a half of an expert's mean rows. */
  private ExpertCosts expertCosts(DeviceProfile device) {
    double rows = meanRows();
    Passes few = passes(pass -> device.expertSeconds(model, 0.5 * rows, pass));
    Passes many = passes(pass -> device.expertSeconds(model, 1.5 * rows, pass));
    Passes perRow =
        new Passes(
            slope(few.forward(), many.forward(), rows),
            slope(few.backward(), many.backward(), rows));
    return new ExpertCosts(
        new Passes(
            Math.max(0, (few.forward() + many.forward()) / 2 - rows * perRow.forward()),
            Math.max(0, (few.backward() + many.backward()) / 2 - rows * perRow.backward())),
        perRow);
  }

  private static double slope(double few, double many, double rows) {
    // No steeper than in proportion: else a worker would be paid for having an expert.
    return Math.min((many - few) / rows, (many + few) / (2 * rows));
  }

  private double meanRows() {
    double tokens =
        (double) spec.training().batchSequences()
            * spec.data().sequenceLength()
            / spec.training().microBatches();
    return tokens * model.topK() / model.experts();
  }

  /** Each piece of the gradient goes out to the others and comes back summed. */
  private double reduceSeconds(long parameters) {
    if (attentionWorkers == 1) {
      return 0;
    }
    double share = (attentionWorkers - 1.0) / attentionWorkers;
    return 2 * (link.latencySeconds() + link.seconds(share * parameters * Float.BYTES));
  }

  /** What each layer of each micro-batch keeps for its backward. */
  private long activationBytes(double tokens) {
    double query = (double) model.heads() * model.headDim();
    double keyValue = (double) model.kvHeads() * model.headDim();
    double perLayer =
        4.0 * model.hidden()
            + 2 * query
            + 2 * keyValue
            + 2.0 * model.experts()
            + (double) model.topK() * model.hidden();
    double perToken = model.layers() * perLayer + model.vocabulary();
    return Math.round(tokens * spec.training().microBatches() * perToken * Float.BYTES);
  }

  private long expertBytes() {
    double rows = meanRows() * spec.training().microBatches();
    double perRow = model.hidden() + 3.0 * model.expertWidth();
    return model.expertParameters() * PARAMETER_BYTES + Math.round(rows * perRow * Float.BYTES);
  }

  private interface Seconds {
    double of(Pass pass);
  }

  private static Passes passes(Seconds seconds) {
    return new Passes(seconds.of(Pass.FORWARD), seconds.of(Pass.BACKWARD));
  }

  private static Passes mean(List<Integer> shares, IntFunction<Passes> one) {
    double forward = 0;
    double backward = 0;
    for (int share : shares) {
      Passes passes = share == 0 ? Passes.NONE : one.apply(share);
      forward += passes.forward();
      backward += passes.backward();
    }
    return new Passes(forward / shares.size(), backward / shares.size());
  }
}
