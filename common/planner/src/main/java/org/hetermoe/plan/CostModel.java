package org.hetermoe.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.hetermoe.cluster.Device;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.model.ModelShape;
import org.hetermoe.schedule.Split;

/**
 * What a ZP group's devices take for a step, from their profiles: seconds and bytes of every
 * worker. With checkpointing the backward of a layer computes its forward again; the head does not.
 * The attention workers share the optimizer's state of what they replicate among them.
 */
public final class CostModel {
  /** What a device's driver, libraries and communication buffers take. */
  public static final long RESERVED_BYTES = 1_000_000_000L;

  /**
   * Activations of a token on the attention side of one layer, in widths of the residual stream.
   */
  private static final int ATTENTION_WIDTHS = 12;

  private final StepSpec step;
  private final ModelShape model;

  private CostModel(StepSpec step) {
    this.step = step;
    model = step.model();
  }

  /** Costs of a group whose attention workers share each micro-batch by their speed. */
  public static GroupCosts of(StepSpec step, List<Device> attention, List<Device> expert) {
    CostModel costs = new CostModel(step);
    return costs.group(attention, costs.shares(attention), expert);
  }

  /** Costs of a group whose workers are all treated alike: plain expert parallelism. */
  public static GroupCosts alike(StepSpec step, List<Device> workers) {
    List<Integer> shares =
        IntStream.range(0, workers.size())
            .mapToObj(worker -> Split.of(step.sequences(), workers.size(), worker).count())
            .toList();
    return new CostModel(step).group(workers, shares, List.of());
  }

  private GroupCosts group(List<Device> attention, List<Integer> shares, List<Device> expert) {
    int groupTokens = step.sequences() * step.length();
    List<WorkerCosts> attending = new ArrayList<>();
    for (int worker = 0; worker < attention.size(); worker++) {
      attending.add(
          attention(attention.get(worker), shares.get(worker), groupTokens, attention.size()));
    }
    return new GroupCosts(
        step.model().layers(),
        step.model().experts(),
        step.microBatches(),
        step.model().topK(),
        (double) step.model().hidden() * step.precision().bytes(),
        attending,
        expert.stream().map(device -> expert(device, groupTokens, expert.size())).toList(),
        step.loads());
  }

  /**
   * Sequences of a micro-batch that each attention worker gets: as many as its speed among the
   * others allows, the largest remainders rounded up; of workers that are alike, the first.
   */
  private List<Integer> shares(List<Device> attention) {
    double[] speed =
        attention.stream()
            .mapToDouble(device -> 1 / seconds(device.profile(), 1, Pass.FORWARD, Pass.BACKWARD))
            .toArray();
    double total = IntStream.range(0, speed.length).mapToDouble(i -> speed[i]).sum();
    int[] shares = new int[speed.length];
    int left = step.sequences();
    for (int worker = 0; worker < shares.length; worker++) {
      // A part that is whole but for rounding is whole.
      shares[worker] = (int) (step.sequences() * speed[worker] / total + 1e-9);
      left -= shares[worker];
    }
    List<Integer> byRemainder =
        IntStream.range(0, shares.length)
            .boxed()
            .sorted(
                Comparator.comparingDouble(
                    worker -> shares[worker] - step.sequences() * speed[worker] / total))
            .toList();
    for (int extra = 0; extra < left; extra++) {
      shares[byRemainder.get(extra)]++;
    }
    return IntStream.of(shares).boxed().toList();
  }

  private double seconds(DeviceProfile profile, int sequences, Pass... passes) {
    double seconds = 0;
    for (Pass pass : passes) {
      seconds += profile.attentionSeconds(model, sequences, step.length(), pass);
    }
    return seconds;
  }

  private WorkerCosts attention(Device device, int sequences, int groupTokens, int workers) {
    DeviceProfile profile = device.profile();
    int tokens = sequences * step.length();
    long parameters = model.residentParameters();
    int bytes = step.precision().bytes();
    long optimizerState = parameters * step.precision().optimizerBytes() / workers;
    long layerBytes =
        (long) tokens * bytes * ATTENTION_WIDTHS * model.hidden() + oneExpertBytes(groupTokens);
    long logitBytes = 2L * tokens * bytes * model.vocabulary();
    long kept =
        (long) tokens
            * step.microBatches()
            * bytes
            * model.hidden()
            * ((model.layers() + model.denseLayers())
                    * (step.checkpointing() ? 1L : (long) ATTENTION_WIDTHS)
                + 1);
    return new WorkerCosts(
        profile.name(),
        recomputed(attentionPasses(profile, model, sequences)),
        recomputed(entry(profile, sequences)),
        new Passes(
            profile.headSeconds(model, tokens, Pass.FORWARD),
            profile.headSeconds(model, tokens, Pass.BACKWARD)),
        experts(profile, groupTokens),
        reduction(device, parameters, workers * step.groups()),
        profile.optimizerSeconds(parameters / workers),
        expertOptimizer(device),
        tokens,
        link(device),
        profile.taskSeconds(),
        profile.memoryBytes(),
        RESERVED_BYTES
            + parameters * step.precision().parameterBytes()
            + optimizerState
            + kept
            + Math.max(logitBytes, layerBytes),
        expertBytes(groupTokens));
  }

  private WorkerCosts expert(Device device, int groupTokens, int workers) {
    DeviceProfile profile = device.profile();
    // Rows that have come and rows that go back, and one expert at work.
    long rows = (long) groupTokens * model.topK() / Math.max(1, workers);
    long working =
        2 * rows * step.precision().bytes() * model.hidden() + oneExpertBytes(groupTokens);
    return new WorkerCosts(
        profile.name(),
        Passes.NONE,
        Passes.NONE,
        Passes.NONE,
        experts(profile, groupTokens),
        0,
        0,
        expertOptimizer(device),
        0,
        link(device),
        profile.taskSeconds(),
        profile.memoryBytes(),
        RESERVED_BYTES + working,
        expertBytes(groupTokens));
  }

  /** Activations of an expert at work: rows in and out, gate, up and their product. */
  private long oneExpertBytes(int groupTokens) {
    long rows = (long) groupTokens * model.topK() / model.experts();
    return rows * step.precision().bytes() * (2L * model.hidden() + 3L * model.expertWidth());
  }

  private Passes attentionPasses(DeviceProfile profile, ModelShape layer, int sequences) {
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
      Passes dense = attentionPasses(profile, model.denseLayer(), sequences);
      forward += model.denseLayers() * dense.forward();
      backward += model.denseLayers() * dense.backward();
    }
    return new Passes(forward, backward);
  }

  private Passes recomputed(Passes passes) {
    return step.checkpointing()
        ? new Passes(passes.forward(), passes.forward() + passes.backward())
        : passes;
  }

  /** A line through the mean rows of an expert, and half of them. */
  private ExpertCosts experts(DeviceProfile profile, int groupTokens) {
    double rows = (double) groupTokens * model.topK() / model.experts();
    Passes mean = recomputed(expertPasses(profile, rows));
    Passes half = recomputed(expertPasses(profile, rows / 2));
    Passes perRow =
        new Passes(
            (mean.forward() - half.forward()) / (rows / 2),
            (mean.backward() - half.backward()) / (rows / 2));
    return new ExpertCosts(
        new Passes(
            Math.max(0, mean.forward() - rows * perRow.forward()),
            Math.max(0, mean.backward() - rows * perRow.backward())),
        perRow);
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

  /** Gradients of so many parameters go round a ring of replicas twice. */
  private double reduction(Device device, long parameters, int replicas) {
    if (replicas < 2) {
      return 0;
    }
    double turns = 2.0 * (replicas - 1);
    double bytes = (double) parameters * step.precision().bytes();
    return turns / replicas * bytes / device.bytesPerSecond() + turns * device.latencySeconds();
  }

  private long expertBytes(int groupTokens) {
    double rows = (double) groupTokens * model.topK() / model.experts() * step.microBatches();
    long widths =
        step.checkpointing() ? model.hidden() : 2L * model.hidden() + 3L * model.expertWidth();
    return model.expertParameters()
            * (step.precision().parameterBytes() + step.precision().optimizerBytes())
        + Math.round(rows * widths * step.precision().bytes());
  }

  /**
   * Bytes of a device that has some layers with part of their experts: a stage of a pipeline.
   *
   * @param layers that it has
   * @param experts of each that it owns
   * @param tokens of its micro-batch
   * @param inFlight micro-batches whose activations it keeps
   * @param replicas that have the same layers
   * @param vocabulary whether it has the embedding or the head
   * @param head whether it has the head
   */
  public static long stageBytes(
      StepSpec step,
      int layers,
      int experts,
      int tokens,
      int inFlight,
      int replicas,
      boolean vocabulary,
      boolean head) {
    ModelShape model = step.model();
    int bytes = step.precision().bytes();
    long table = vocabulary ? (long) model.vocabulary() * model.hidden() : 0;
    long replicated = layers * model.attentionParameters() + table;
    long owned = (long) layers * experts * model.expertParameters();
    long expertWidths = (long) model.topK() * (2L * model.hidden() + 3L * model.expertWidth());
    long layerBytes =
        (long) tokens * bytes * ((long) ATTENTION_WIDTHS * model.hidden() + expertWidths);
    long logitBytes = head ? 2L * tokens * bytes * model.vocabulary() : 0;
    // A checkpointed layer keeps its input.
    long keptWidths =
        step.checkpointing()
            ? model.hidden()
            : (long) ATTENTION_WIDTHS * model.hidden() + expertWidths;
    return RESERVED_BYTES
        + (replicated + owned) * step.precision().parameterBytes()
        + (replicated / replicas + owned) * step.precision().optimizerBytes()
        + (long) tokens * inFlight * bytes * layers * keptWidths
        + Math.max(logitBytes, layerBytes);
  }

  private static LinkCosts link(Device device) {
    return new LinkCosts(
        device.bytesPerSecond(),
        device.latencySeconds(),
        device.nic() < 0 ? LinkCosts.OWN : device.nic());
  }
}
