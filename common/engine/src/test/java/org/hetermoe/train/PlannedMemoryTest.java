package org.hetermoe.train;

import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import org.assertj.core.api.SoftAssertions;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.cluster.Device;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.device.Catalogue;
import org.hetermoe.group.Placement;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.ModelShape;
import org.hetermoe.nn.SeededWeights;
import org.hetermoe.plan.CostModel;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.plan.StepSpec;
import org.hetermoe.plan.Training;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.GroupPrecision;
import org.hetermoe.run.LossScaleSpec;
import org.hetermoe.run.OptimizerSpec;
import org.hetermoe.run.PrecisionSpec;
import org.hetermoe.run.Recompute;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.schedule.Split;
import org.hetermoe.tensor.DType;
import org.hetermoe.train.step.StepResult;
import org.hetermoe.train.step.TaskListener;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The memory that a plan promises against what devices really held: all tensors, parameters with
 * gradients and moments, activations, scratch, and the channel's buffers while a device computes on
 * them. Frames that wait in an inbox are not counted: no device holds them, and their sum is
 * bounded by the channel's window. The promise is for the loads that the routers really made, of
 * the step with the most.
 */
@Timeout(120)
class PlannedMemoryTest {
  private static final int STEPS = 2;
  private static final OptimizerSpec OPTIMIZER =
      new OptimizerSpec(1e-2, 1e-3, 2, 0.9, 0.95, 1e-8, 0.1, false, 1.0);

  @ParameterizedTest
  @CsvSource({
    // device, attention's type, experts' type, recompute, M, N, R, experts on each attention
    // worker,
    // sequences, length, hidden, layers, experts, top k, width, vocabulary
    "cpu, F32, F32, NONE, 1, 1, 2, 0, 4, 256, 64, 2, 8, 2, 128, 256",
    "cpu, F32, F32, NONE, 2, 1, 3, 0, 12, 128, 64, 3, 4, 1, 96, 1000",
    "cpu, F32, F32, NONE, 1, 2, 4, 0, 8, 256, 96, 2, 8, 2, 64, 512",
    "cpu, F32, F32, NONE, 2, 3, 2, 0, 8, 128, 128, 3, 12, 3, 128, 2000",
    "cpu, F32, F32, NONE, 1, 1, 3, 3, 6, 128, 64, 3, 8, 2, 128, 64",
    "cpu, F32, F32, NONE, 2, 2, 2, 1, 8, 128, 64, 2, 8, 2, 64, 500",
    "cpu, F32, F32, ATTENTION, 1, 1, 2, 0, 4, 256, 64, 3, 8, 2, 128, 64",
    "cpu, F32, F32, FULL, 1, 2, 4, 0, 8, 256, 96, 2, 8, 2, 64, 128",
    "cpu, F32, F32, FULL, 2, 2, 2, 1, 8, 128, 64, 2, 8, 2, 64, 500",
    "reference, BF16, BF16, NONE, 1, 1, 2, 0, 4, 64, 48, 2, 4, 2, 64, 128",
    "reference, BF16, F16, ATTENTION, 1, 2, 2, 0, 4, 64, 48, 2, 4, 2, 64, 128",
    "reference, F16, F16, FULL, 2, 1, 2, 1, 4, 64, 48, 2, 4, 2, 64, 128",
    "reference, F32, BF16, FULL, 1, 1, 2, 0, 4, 64, 48, 2, 4, 2, 64, 64"
  })
  void isWhatDevicesHold(
      String device,
      DType attentionType,
      DType expertType,
      Recompute recompute,
      int attention,
      int experts,
      int microBatches,
      int moved,
      int sequences,
      int length,
      int hidden,
      int layers,
      int expertCount,
      int topK,
      int width,
      int vocabulary)
      throws Exception {
    ModelConfig model =
        new ModelConfig(
            vocabulary,
            hidden,
            layers,
            4,
            2,
            hidden / 4,
            expertCount,
            topK,
            width,
            1e4,
            1e-5,
            false,
            0.02,
            1e-3,
            0.05);
    GroupPlan plan =
        new GroupPlan(
                model,
                OPTIMIZER,
                STEPS,
                length,
                microBatches,
                attention,
                experts,
                ScheduleKind.ZEBRA,
                placement(layers, expertCount, experts, attention, moved))
            .with(
                GroupPrecision.of(new PrecisionSpec(attentionType, expertType)),
                new LossScaleSpec(65536, 2000))
            .with(recompute);
    Map<String, Compute> devices = new ConcurrentHashMap<>();

    List<StepResult> results = train(device, plan, sequences, devices);

    List<long[]> promised =
        results.stream().map(step -> promised(plan, sequences, loads(step))).toList();
    SoftAssertions softly = new SoftAssertions();
    for (int worker = 0; worker < attention + experts; worker++) {
      WorkerRank rank =
          worker < attention ? WorkerRank.attention(worker) : WorkerRank.expert(worker - attention);
      long held = devices.get(rank.toString()).memory().peakBytes();
      int index = worker;
      long most = promised.stream().mapToLong(step -> step[index]).max().orElseThrow();
      softly
          .assertThat((double) most / held)
          .as("%s, which held %s bytes", rank, held)
          .isEqualTo(1, within(0.05));
    }
    softly.assertAll();
  }

  /** The last experts of a layer are the attention workers'. */
  private static Placement placement(
      int layers, int experts, int expertWorkers, int attentionWorkers, int moved) {
    List<WorkerRank> layer = new ArrayList<>();
    int kept = experts - attentionWorkers * moved;
    for (int worker = 0; worker < expertWorkers; worker++) {
      int count = Split.of(kept, expertWorkers, worker).count();
      layer.addAll(Collections.nCopies(count, WorkerRank.expert(worker)));
    }
    for (int worker = 0; worker < attentionWorkers; worker++) {
      layer.addAll(Collections.nCopies(moved, WorkerRank.attention(worker)));
    }
    return new Placement(Collections.nCopies(layers, layer));
  }

  private static long[] promised(GroupPlan plan, int sequences, ExpertLoads loads) {
    StepSpec step =
        new StepSpec(
            ModelShape.of("test", plan.model()),
            plan.sequenceLength(),
            IntStream.range(0, plan.microBatches())
                .mapToObj(each -> Split.of(sequences, plan.microBatches(), each).count())
                .toList(),
            Training.services(plan.precision(), plan.recompute()),
            1,
            loads);
    Device device = new Device(Catalogue.builtIn().device("A40", DType.F32), 1, 0, -1);
    return CostModel.of(
            step,
            Collections.nCopies(plan.attentionWorkers(), device),
            Collections.nCopies(plan.expertWorkers(), device))
        .memoryBytes(new ReplicatedPlacement(plan.placement()));
  }

  private static ExpertLoads loads(StepResult step) {
    return new ExpertLoads(
        step.expertRows().stream()
            .map(layer -> layer.stream().map(Long::doubleValue).toList())
            .toList());
  }

  private static List<StepResult> train(
      String kind, GroupPlan plan, int sequences, Map<String, Compute> devices) throws Exception {
    RunKey run = new RunKey(new UUID(1, 2), 1);
    try (FrameBuffers buffers = new FrameBuffers();
        MemoryChannels channels =
            new MemoryChannels(run, plan.members(), buffers, new Refusals())) {
      return new InProcessGroup(
              plan,
              channels::channel,
              () -> {
                Compute device = Devices.open(kind, 1);
                devices.put(Thread.currentThread().getName(), device);
                return device;
              },
              new SeededWeights(plan.model(), 5),
              _ -> TaskListener.NONE)
          .train(STEPS, step -> batch(plan, sequences, step));
    }
  }

  private static SequenceBatch batch(GroupPlan plan, int sequences, int step) {
    int tokens = sequences * plan.sequenceLength();
    int[] ids = new Random(step).ints(tokens + 1, 0, plan.model().vocabulary()).toArray();
    return new SequenceBatch(
        sequences,
        plan.sequenceLength(),
        Arrays.copyOf(ids, tokens),
        Arrays.copyOfRange(ids, 1, tokens + 1));
  }
}
