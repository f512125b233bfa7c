package org.hetermoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.direct.DirectSettings;
import org.hetermoe.channel.direct.DirectTransport;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.cpu.PlainBf16;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.group.Placement;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.SeededWeights;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.OptimizerSpec;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.train.step.StepResult;
import org.hetermoe.train.step.TaskListener;

/** A small run with awkward sizes, trained by whom a test likes. */
final class TestRun {
  static final int STEPS = 4;
  static final int LENGTH = 13;
  static final int LAYERS = 3;
  static final int EXPERTS = 7;

  static final ModelConfig MODEL =
      new ModelConfig(61, 24, LAYERS, 4, 2, 6, EXPERTS, 3, 20, 1e4, 1e-5, false, 0.02, 1e-3, 0.05);

  private static final OptimizerSpec OPTIMIZER =
      new OptimizerSpec(1e-2, 1e-3, 2, 0.9, 0.95, 1e-8, 0.1, false, 1.0);

  /** No two frames fit in, so that senders are held up wherever they can be. */
  private static final long WINDOW = 1;

  private TestRun() {}

  static GroupPlan plan(int microBatches, int attention, int experts, Placement placement) {
    return plan(MODEL, microBatches, attention, experts, ScheduleKind.ZEBRA, placement);
  }

  static GroupPlan plan(
      ModelConfig model,
      int microBatches,
      int attention,
      int experts,
      ScheduleKind schedule,
      Placement placement) {
    return new GroupPlan(
        model, OPTIMIZER, STEPS, LENGTH, microBatches, attention, experts, schedule, placement);
  }

  /**
   * A placement from a line per layer, a letter and a digit per expert: {@code "e0 e0 a1"} gives
   * two experts to expert worker 0 and one to attention worker 1.
   */
  static Placement placement(String... layers) {
    return new Placement(
        Arrays.stream(layers)
            .map(layer -> Arrays.stream(layer.split(" ")).map(TestRun::peer).toList())
            .toList());
  }

  private static WorkerRank peer(String name) {
    int rank = Integer.parseInt(name.substring(1));
    return name.charAt(0) == 'a' ? WorkerRank.attention(rank) : WorkerRank.expert(rank);
  }

  /** Any owner for any expert. */
  static Placement random(Random random, int attention, int experts) {
    List<WorkerRank> workers =
        Stream.concat(
                IntStream.range(0, attention).mapToObj(WorkerRank::attention),
                IntStream.range(0, experts).mapToObj(WorkerRank::expert))
            .toList();
    return new Placement(
        IntStream.range(0, LAYERS)
            .mapToObj(
                layer ->
                    IntStream.range(0, EXPERTS)
                        .mapToObj(expert -> workers.get(random.nextInt(workers.size())))
                        .toList())
            .toList());
  }

  static SequenceBatch batch(int sequences, int step) {
    Random random = new Random(step);
    int[] ids = random.ints(sequences * LENGTH + 1, 0, MODEL.vocabulary()).toArray();
    int[] targets = IntStream.range(0, sequences * LENGTH).map(i -> ids[i + 1]).toArray();
    return new SequenceBatch(sequences, LENGTH, Arrays.copyOf(ids, sequences * LENGTH), targets);
  }

  /** The device's name, for one in bf16 on any processor. */
  static final String CPU_IN_BF16 = "cpu in bf16";

  private static Compute open(String device, int threads) {
    return device.equals(CPU_IN_BF16) ? PlainBf16.open(threads) : Devices.open(device, threads);
  }

  static List<Double> local(GroupPlan plan, int sequences, int threads) throws Exception {
    return numbers(localResults(plan, sequences, threads));
  }

  static List<StepResult> localResults(GroupPlan plan, int sequences, int threads)
      throws Exception {
    return localResults("cpu", plan, sequences, threads);
  }

  static List<StepResult> localResults(String device, GroupPlan plan, int sequences, int threads)
      throws Exception {
    List<StepResult> results = new ArrayList<>();
    try (Compute compute = open(device, threads);
        LocalTrainer trainer =
            new LocalTrainer(
                plan, compute, new SeededWeights(plan.model(), 5), TaskListener.NONE)) {
      for (int step = 1; step <= STEPS; step++) {
        results.add(trainer.step(step, batch(sequences, step)));
      }
    }
    return results;
  }

  static List<Double> group(GroupPlan plan, int sequences) throws Exception {
    return numbers(overMemory(plan, sequences, group -> group));
  }

  /** Loss, gradient norm and rows of every expert, of each step. */
  static List<Double> numbers(List<StepResult> results) {
    return results.stream()
        .flatMap(
            result ->
                Stream.concat(
                    losses(result),
                    result.expertRows().stream().flatMap(List::stream).map(Long::doubleValue)))
        .toList();
  }

  /** Loss and gradient norm. */
  static Stream<Double> losses(StepResult result) {
    return Stream.of(result.loss(), result.gradientNorm());
  }

  static List<StepResult> overMemory(
      GroupPlan plan, int sequences, UnaryOperator<InProcessGroup> change) throws Exception {
    return overMemory("cpu", plan, sequences, change);
  }

  static List<StepResult> overMemory(
      String device, GroupPlan plan, int sequences, UnaryOperator<InProcessGroup> change)
      throws Exception {
    RunKey run = new RunKey(new UUID(1, 2), 1);
    try (FrameBuffers buffers = new FrameBuffers();
        MemoryChannels channels =
            new MemoryChannels(run, plan.members(), buffers, new Refusals(), WINDOW)) {
      List<StepResult> results = train(device, plan, channels::channel, sequences, change);
      assertThat(buffers.outstanding()).isZero();
      return results;
    }
  }

  static List<StepResult> overSockets(
      GroupPlan plan, int sequences, UnaryOperator<InProcessGroup> change) throws Exception {
    return overSockets("cpu", plan, sequences, change);
  }

  static List<StepResult> overSockets(
      String device, GroupPlan plan, int sequences, UnaryOperator<InProcessGroup> change)
      throws Exception {
    RunKey run = new RunKey(new UUID(1, 2), 1);
    DirectSettings settings = DirectSettings.loopback().withWindowBytes(WINDOW);
    Map<WorkerRank, DirectTransport> processes = new HashMap<>();
    Map<WorkerRank, Channel> channels = new HashMap<>();
    try (FrameBuffers buffers = new FrameBuffers()) {
      try {
        Map<WorkerRank, InetSocketAddress> addresses = listen(plan, settings, buffers, processes);
        processes.forEach(
            (member, process) -> channels.put(member, process.open(run, member, addresses)));
        return train(device, plan, channels::get, sequences, change);
      } finally {
        channels.values().forEach(Channel::close);
        processes.values().forEach(DirectTransport::close);
        await().until(() -> buffers.outstanding() == 0);
      }
    }
  }

  /** Over sockets, where all attention ranks live in one process, as all expert ranks do. */
  static List<StepResult> overSocketsInTwoProcesses(GroupPlan plan, int sequences)
      throws Exception {
    RunKey run = new RunKey(new UUID(1, 2), 1);
    DirectSettings settings = DirectSettings.loopback().withWindowBytes(WINDOW);
    Map<WorkerRank, Channel> channels = new HashMap<>();
    try (FrameBuffers buffers = new FrameBuffers();
        DirectTransport attention = new DirectTransport(settings, buffers, new Refusals());
        DirectTransport experts = new DirectTransport(settings, buffers, new Refusals())) {
      Map<WorkerRank, InetSocketAddress> addresses = new HashMap<>();
      for (WorkerRank member : plan.members()) {
        addresses.put(
            member,
            member.role() == WorkerRank.Role.ATTENTION ? attention.address() : experts.address());
      }
      try {
        for (WorkerRank member : plan.members()) {
          DirectTransport process =
              member.role() == WorkerRank.Role.ATTENTION ? attention : experts;
          channels.put(member, process.open(run, member, addresses));
        }
        return train("cpu", plan, channels::get, sequences, group -> group);
      } finally {
        channels.values().forEach(Channel::close);
      }
    }
  }

  private static Map<WorkerRank, InetSocketAddress> listen(
      GroupPlan plan,
      DirectSettings settings,
      FrameBuffers buffers,
      Map<WorkerRank, DirectTransport> processes)
      throws IOException {
    Map<WorkerRank, InetSocketAddress> addresses = new HashMap<>();
    for (WorkerRank member : plan.members()) {
      DirectTransport process = new DirectTransport(settings, buffers, new Refusals());
      processes.put(member, process);
      addresses.put(member, process.address());
    }
    return addresses;
  }

  private static List<StepResult> train(
      String device,
      GroupPlan plan,
      Function<WorkerRank, Channel> channels,
      int sequences,
      UnaryOperator<InProcessGroup> change)
      throws InterruptedException {
    InProcessGroup group =
        new InProcessGroup(
            plan,
            channels,
            () -> open(device, 1),
            new SeededWeights(plan.model(), 5),
            _ -> TaskListener.NONE);
    return change.apply(group).train(STEPS, step -> batch(sequences, step));
  }
}
