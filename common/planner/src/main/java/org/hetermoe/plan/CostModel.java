package org.hetermoe.plan;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.model.ModelShape;
import org.hetermoe.schedule.Split;

/**
 * What a ZP group's devices take for a step, from their profiles and from what training does: the
 * seconds of every worker, and with {@link MemoryModel} its bytes. With recomputation the backward
 * of a layer computes its forward again; the head does not.
 */
public final class CostModel {
  private final StepSpec step;
  private final ModelShape model;
  private final Training training;
  private final MemoryModel memory;

  /** Sequences of micro-batches that differ; of one, if all are alike. */
  private final List<Integer> microBatches;

  private CostModel(StepSpec step) {
    this.step = step;
    model = step.model();
    training = step.training();
    memory = new MemoryModel(step);
    microBatches =
        Collections.max(step.sequences()).equals(Collections.min(step.sequences()))
            ? List.of(step.sequences().getFirst())
            : step.sequences();
  }

  /** Costs of a group whose attention workers share each micro-batch as training does it. */
  public static GroupCosts of(StepSpec step, List<Device> attention, List<Device> expert) {
    CostModel costs = new CostModel(step);
    return costs.group(
        attention,
        step.training().evenShares()
            ? costs.evenShares(attention.size())
            : costs.sharesBySpeed(attention),
        expert);
  }

  /** Costs of a group whose workers are all treated alike: plain expert parallelism. */
  public static GroupCosts alike(StepSpec step, List<Device> workers) {
    CostModel costs = new CostModel(step);
    return costs.group(workers, costs.evenShares(workers.size()), List.of());
  }

  /**
   * The group.
   *
   * @param shares sequences of each micro-batch, by attention worker
   */
  private GroupCosts group(
      List<Device> attention, List<List<Integer>> shares, List<Device> expert) {
    List<WorkerCosts> attending = new ArrayList<>();
    for (int worker = 0; worker < attention.size(); worker++) {
      attending.add(
          attention(attention.get(worker), shares.get(worker), attention.size(), expert.size()));
    }
    return new GroupCosts(
        model.layers(),
        model.experts(),
        step.microBatches(),
        model.topK(),
        (double) model.hidden() * training.precision().dispatch().bytes(),
        attending,
        expert.stream().map(device -> expert(device, attention.size(), expert.size())).toList(),
        step.loads(),
        (double) model.expertParameters() * training.gradients().bytes());
  }

  private List<List<Integer>> evenShares(int workers) {
    return IntStream.range(0, workers)
        .mapToObj(
            worker ->
                microBatches.stream()
                    .map(sequences -> Split.of(sequences, workers, worker).count())
                    .toList())
        .toList();
  }

  /**
   * Sequences of a micro-batch that each attention worker gets: as many as its speed among the
   * others allows, the largest remainders rounded up; of workers that are alike, the first.
   */
  private List<List<Integer>> sharesBySpeed(List<Device> attention) {
    double[] speed =
        attention.stream()
            .mapToDouble(device -> 1 / passes(device.profile(), model, 1).both())
            .toArray();
    List<int[]> perMicroBatch =
        microBatches.stream().map(sequences -> sharesBySpeed(speed, sequences)).toList();
    return IntStream.range(0, speed.length)
        .mapToObj(worker -> perMicroBatch.stream().map(shares -> shares[worker]).toList())
        .toList();
  }

  private static int[] sharesBySpeed(double[] speed, int sequences) {
    double total = IntStream.range(0, speed.length).mapToDouble(i -> speed[i]).sum();
    int[] shares = new int[speed.length];
    int left = sequences;
    for (int worker = 0; worker < shares.length; worker++) {
      // A part that is whole but for rounding is whole.
      shares[worker] = (int) (sequences * speed[worker] / total + 1e-9);
      left -= shares[worker];
    }
    List<Integer> byRemainder =
        IntStream.range(0, shares.length)
            .boxed()
            .sorted(
                Comparator.comparingDouble(
                    worker -> shares[worker] - sequences * speed[worker] / total))
            .toList();
    for (int extra = 0; extra < left; extra++) {
      shares[byRemainder.get(extra)]++;
    }
    return shares;
  }

  private WorkerCosts attention(
      Device device, List<Integer> shares, int workers, int expertWorkers) {
    DeviceProfile profile = device.profile();
    long parameters = model.residentParameters();
    double sequences = shares.stream().mapToInt(Integer::intValue).average().orElse(0);
    double attentionForwards = training.attentionForwards();
    // The services keep what the embedding gives: it is the first layer's input.
    double entryForwards =
        training.accounting() == Training.Accounting.WIDTHS ? attentionForwards : 1;
    return new WorkerCosts(
        profile.name(),
        again(mean(shares, share -> passes(profile, model, share)), attentionForwards),
        again(mean(shares, share -> entry(profile, share)), entryForwards),
        mean(shares, share -> head(profile, share)),
        experts(profile),
        reduction(device, parameters, workers * step.groups()),
        profile.optimizerSeconds(training.shardedOptimizer() ? parameters / workers : parameters),
        expertOptimizer(device),
        Math.toIntExact(Math.round(sequences * step.length())),
        link(device),
        profile.taskSeconds(),
        profile.memoryBytes(),
        memory.attentionBytes(sequences, workers, expertWorkers > 0),
        memory.expertBytes(),
        memory.expertRowBytes(),
        memory.attentionWorkingBytes(sequences),
        expertWorkers == 0 ? 0 : memory.expertWorkingRowBytes(expertWorkers, workers));
  }

  private WorkerCosts expert(Device device, int attentionWorkers, int expertWorkers) {
    DeviceProfile profile = device.profile();
    return new WorkerCosts(
        profile.name(),
        Passes.NONE,
        Passes.NONE,
        Passes.NONE,
        experts(profile),
        0,
        0,
        expertOptimizer(device),
        0,
        link(device),
        profile.taskSeconds(),
        profile.memoryBytes(),
        memory.expertWorkerBytes(expertWorkers, attentionWorkers),
        memory.expertBytes(),
        memory.expertRowBytes(),
        memory.expertWorkingBytes(expertWorkers, attentionWorkers),
        memory.expertWorkingRowBytes(expertWorkers, attentionWorkers));
  }

  /** Micro-batches may differ by a sequence; each counts as long as all on average. */
  private static Passes mean(List<Integer> shares, IntFunction<Passes> one) {
    if (shares.size() == 1) {
      return one.apply(shares.getFirst());
    }
    double forward = 0;
    double backward = 0;
    for (int share : shares) {
      Passes passes = share == 0 ? Passes.NONE : one.apply(share);
      forward += passes.forward();
      backward += passes.backward();
    }
    return new Passes(forward / shares.size(), backward / shares.size());
  }

  private Passes passes(DeviceProfile profile, ModelShape layer, int sequences) {
    return new Passes(
        profile.attentionSeconds(layer, sequences, step.length(), Pass.FORWARD),
        profile.attentionSeconds(layer, sequences, step.length(), Pass.BACKWARD));
  }

  /** Embedding, and the dense layers before those with experts. */
  private Passes entry(DeviceProfile profile, int sequences) {
    int tokens = sequences * step.length();
    double forward = profile.embeddingSeconds(model, tokens, Pass.FORWARD);
    double backward = profile.embeddingSeconds(model, tokens, Pass.BACKWARD);
    if (model.denseLayers() > 0) {
      Passes dense = passes(profile, model.denseLayer(), sequences);
      forward += model.denseLayers() * dense.forward();
      backward += model.denseLayers() * dense.backward();
    }
    return new Passes(forward, backward);
  }

  private Passes head(DeviceProfile profile, int sequences) {
    int tokens = sequences * step.length();
    return new Passes(
        profile.headSeconds(model, tokens, Pass.FORWARD),
        profile.headSeconds(model, tokens, Pass.BACKWARD));
  }

  /** Passes of which the backward does all forwards but the first. */
  private static Passes again(Passes passes, double forwards) {
    return new Passes(passes.forward(), (forwards - 1) * passes.forward() + passes.backward());
  }

  private Passes againExperts(Passes passes) {
    return again(passes, training.expertForwards());
  }

  private ExpertCosts experts(DeviceProfile profile) {
    double rows = step.meanRows();
    return switch (training.expertFit()) {
      case TANGENT -> tangent(profile, rows);
      case SECANT -> secant(profile, rows);
    };
  }

  private ExpertCosts tangent(DeviceProfile profile, double rows) {
    Passes mean = againExperts(expertPasses(profile, rows));
    Passes half = againExperts(expertPasses(profile, rows / 2));
    Passes perRow =
        new Passes(
            (mean.forward() - half.forward()) / (rows / 2),
            (mean.backward() - half.backward()) / (rows / 2));
    return line(mean, perRow, rows);
  }

  private ExpertCosts secant(DeviceProfile profile, double rows) {
    Passes few = againExperts(expertPasses(profile, 0.5 * rows));
    Passes many = againExperts(expertPasses(profile, 1.5 * rows));
    Passes perRow =
        new Passes(
            slope(few.forward(), many.forward(), rows),
            slope(few.backward(), many.backward(), rows));
    Passes middle =
        new Passes((few.forward() + many.forward()) / 2, (few.backward() + many.backward()) / 2);
    return line(middle, perRow, rows);
  }

  private static ExpertCosts line(Passes mean, Passes perRow, double rows) {
    return new ExpertCosts(
        new Passes(
            Math.max(0, mean.forward() - rows * perRow.forward()),
            Math.max(0, mean.backward() - rows * perRow.backward())),
        perRow);
  }

  private static double slope(double few, double many, double rows) {
    // No steeper than in proportion: else a worker would be paid for having an expert.
    return Math.min((many - few) / rows, (many + few) / (2 * rows));
  }

  private Passes expertPasses(DeviceProfile profile, double rows) {
    return new Passes(
        profile.expertSeconds(model, rows, Pass.FORWARD),
        profile.expertSeconds(model, rows, Pass.BACKWARD));
  }

  private double expertOptimizer(Device device) {
    return device.profile().optimizerSeconds(model.expertParameters())
        + reduction(device, model.expertParameters(), step.groups());
  }

  /** Gradients of so many parameters, each piece summed by one of its replicas. */
  private double reduction(Device device, long parameters, int replicas) {
    if (replicas < 2) {
      return 0;
    }
    double bytes = (double) parameters * training.gradients().bytes();
    return 2.0 * (replicas - 1) / replicas * bytes / device.bytesPerSecond()
        + training.reduction().rounds(replicas) * device.latencySeconds();
  }

  private static LinkCosts link(Device device) {
    return new LinkCosts(
        device.bytesPerSecond(),
        device.latencySeconds(),
        device.nic() < 0 ? LinkCosts.OWN : device.nic());
  }
}
