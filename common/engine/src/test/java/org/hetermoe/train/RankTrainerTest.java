package org.hetermoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hetermoe.train.TestRun.placement;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.checkpoint.Shard;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.ComputeUnavailableException;
import org.hetermoe.compute.Devices;
import org.hetermoe.group.Placement;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.WorkerLoad;
import org.hetermoe.train.step.TaskListener;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whole runs of the ranks of a group, with evaluations, checkpoints and moves. */
@Timeout(120)
class RankTrainerTest {
  private static final int STEPS = 6;
  private static final UUID RUN = new UUID(5, 6);

  private static final Placement AT_FIRST = placement("e0 e0 e1 e1", "e0 e1 a0 a1");
  private static final Placement LATER = placement("e0 a1 e1 a0", "e1 e0 a1 e0");
  private static final Placement LAST = placement("a0 a0 a1 a1", "e0 e0 e0 e1");

  @TempDir private Path folder;

  private RunSpec spec;
  private String device = "cpu";

  /** What came of a run: metrics by step, changes of placement, checkpoints. */
  private static final class Outcome {
    private final Map<Integer, StepMetrics> metrics = new TreeMap<>();
    private final List<PlacementChange> changes = new ArrayList<>();
    private MemoryCheckpoints checkpoints = new MemoryCheckpoints();

    private List<Double> numbers(int fromStep) {
      return metrics.values().stream()
          .filter(step -> step.step() >= fromStep)
          .flatMap(step -> Stream.of(step.loss(), step.gradientNorm(), evaluation(step)))
          .toList();
    }

    private static double evaluation(StepMetrics step) {
      return step.evaluationLoss() == null ? -1 : step.evaluationLoss();
    }
  }

  @BeforeEach
  void writeText() throws IOException {
    Path text = folder.resolve("text.txt");
    Files.writeString(text, "Who computes what is data, and data may change.\n".repeat(100));
    spec =
        RunSpecReader.read(
            """
            model: {hidden: 16, layers: 2, heads: 2, kv_heads: 1, head_dim: 8, experts: 4,
                    top_k: 2, expert_width: 12}
            data: {source: "%s", sequence_length: 16, held_out: 0.1}
            training: {steps: %d, batch_sequences: 5, micro_batches: 2, evaluate_every: 2,
                       evaluate_sequences: 3, checkpoint_every: 3}
            workers: {attention: 2, experts: 2}
            """
                .formatted(text, STEPS),
            List.of());
  }

  /** The same run in other types, in which the device reference computes. */
  private void compute(String... overrides) {
    device = "reference";
    spec = RunSpecReader.read(RunSpecReader.toJson(spec), List.of(overrides));
  }

  /**
   * Trains.
   *
   * @param moves what is asked of attention worker 0 once the metrics of a step have come; the
   *     placement is taken on after the next step
   */
  private Outcome train(
      Placement placement, int resumeFrom, Outcome outcome, Map<Integer, Placement> moves)
      throws InterruptedException {
    Assignment assignment = new Assignment(RUN, 1, spec, placement, List.of(), resumeFrom);
    List<WorkerRank> peers = GroupPlan.of(spec, placement).members();
    List<Throwable> failures = new CopyOnWriteArrayList<>();
    Map<WorkerRank, RankTrainer> members = new HashMap<>();
    Consumer<StepMetrics> metrics =
        step -> {
          outcome.metrics.put(step.step(), step);
          if (moves.containsKey(step.step())) {
            members.get(WorkerRank.attention(0)).rebalance(moves.get(step.step()));
          }
        };
    TrainerEnvironment environment =
        new TrainerEnvironment(
            outcome.checkpoints, folder, metrics, outcome.changes::add, TaskListener.NONE);
    try (FrameBuffers buffers = new FrameBuffers();
        MemoryChannels channels =
            new MemoryChannels(new RunKey(RUN, 1), peers, buffers, new Refusals())) {
      List<Thread> threads = new ArrayList<>();
      for (WorkerRank peer : peers) {
        Compute compute = Devices.open(device, 1);
        members.put(
            peer, RankTrainer.create(assignment, compute, channels.channel(peer), environment));
        threads.add(
            Thread.ofPlatform()
                .unstarted(() -> run(members.get(peer), compute, channels, peers, failures)));
      }
      threads.forEach(Thread::start);
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(failures).isEmpty();
    }
    return outcome;
  }

  private static void run(
      RankTrainer member,
      Compute compute,
      MemoryChannels channels,
      List<WorkerRank> peers,
      List<Throwable> failures) {
    try (compute;
        member) {
      member.prepare();
      member.train();
    } catch (Exception | AssertionError failure) {
      failures.add(failure);
      peers.forEach(peer -> channels.channel(peer).abort("the test failed"));
    }
  }

  @Test
  void movesWhileARunRunsChangeNoNumber() throws Exception {
    Outcome alone = train(AT_FIRST, 0, new Outcome(), Map.of());

    Outcome moved = train(AT_FIRST, 0, new Outcome(), Map.of(1, LATER, 3, LAST));

    assertThat(alone.metrics).hasSize(STEPS);
    assertThat(alone.changes).isEmpty();
    assertThat(moved.numbers(1)).isEqualTo(alone.numbers(1));
    assertThat(moved.changes).extracting(PlacementChange::step).containsExactly(2, 4);
    assertThat(moved.changes).extracting(PlacementChange::placement).containsExactly(LATER, LAST);
    assertThat(moved.changes).allMatch(change -> change.seconds() > 0);
  }

  @Test
  void aCheckpointWrittenAfterAMoveGoesOnWithTheSameNumbers() throws Exception {
    Outcome moved = train(AT_FIRST, 0, new Outcome(), Map.of(1, LATER));
    assertThat(moved.checkpoints.shards(3))
        .isEqualTo(Set.of("attention-0", "attention-1", "expert-0", "expert-1"));
    assertThat(moved.checkpoints.tensors(3)).isEqualTo(allTensors());

    for (Placement placement : List.of(LATER, AT_FIRST, LAST)) {
      Outcome resumed = new Outcome();
      resumed.checkpoints = moved.checkpoints.only(3);
      train(placement, 3, resumed, Map.of(4, LAST));

      assertThat(resumed.numbers(1)).isEqualTo(moved.numbers(4));
    }
  }

  @Test
  void aRunOfWhichAllStepsAreDoneEndsAtOnce() throws Exception {
    Outcome whole = train(AT_FIRST, 0, new Outcome(), Map.of());
    Outcome again = new Outcome();
    again.checkpoints = whole.checkpoints.only(STEPS);

    train(LAST, STEPS, again, Map.of());

    assertThat(again.metrics).isEmpty();
    assertThat(again.changes).isEmpty();
  }

  /**
   * The state of the loss scale goes with the weights; the first step overflows, the fourth not.
   */
  @Test
  void aCheckpointGoesOnWithTheSameLossScale() throws Exception {
    compute(
        "precision={attention: bf16, experts: fp16}",
        "training.loss_scale={initial: 16777216, growth_steps: 2}",
        "training.recompute=full");
    Outcome whole = train(AT_FIRST, 0, new Outcome(), Map.of());
    assertThat(whole.checkpoints.tensors(3)).contains(StoredLossScale.NAME);
    assertThat(whole.metrics.get(1).lossScale().skipped()).isTrue();
    assertThat(whole.metrics.get(STEPS).lossScale().skipped()).isFalse();

    for (Placement placement : List.of(AT_FIRST, LAST)) {
      Outcome resumed = new Outcome();
      resumed.checkpoints = whole.checkpoints.only(3);
      train(placement, 3, resumed, Map.of());

      assertThat(resumed.numbers(1)).isEqualTo(whole.numbers(4));
      for (int step = 4; step <= STEPS; step++) {
        assertThat(resumed.metrics.get(step).lossScale())
            .isEqualTo(whole.metrics.get(step).lossScale());
      }
    }
  }

  @Test
  void aDeviceThatCannotComputeInTheRunsTypesSaysSoBeforeItBegins() throws Exception {
    spec = RunSpecReader.read(RunSpecReader.toJson(spec), List.of("precision.experts=bf16"));
    Assignment assignment = new Assignment(RUN, 1, spec, AT_FIRST, List.of(), 0);
    TrainerEnvironment environment =
        new TrainerEnvironment(
            new MemoryCheckpoints(), folder, _ -> {}, _ -> {}, TaskListener.NONE);
    List<WorkerRank> peers = GroupPlan.of(spec, AT_FIRST).members();
    try (FrameBuffers buffers = new FrameBuffers();
        MemoryChannels channels =
            new MemoryChannels(new RunKey(RUN, 1), peers, buffers, new Refusals());
        Compute compute = Devices.open("cpu", 1);
        RankTrainer member =
            RankTrainer.create(
                assignment, compute, channels.channel(WorkerRank.expert(0)), environment)) {
      assertThatThrownBy(member::prepare)
          .isInstanceOf(ComputeUnavailableException.class)
          .hasMessageContaining("precision.experts is bf16")
          .hasMessageContaining("use fp32");
    }
  }

  /** Weights and both moments of everything, each once. */
  private Set<String> allTensors() {
    return ParameterNames.all(spec.model()).keySet().stream()
        .flatMap(name -> Stream.of(name, Shard.firstMoment(name), Shard.secondMoment(name)))
        .collect(Collectors.toSet());
  }

  @Test
  void aMoveAtTheStepOfACheckpointComesAfterIt() throws Exception {
    Outcome moved = train(AT_FIRST, 0, new Outcome(), Map.of(2, LATER));
    assertThat(moved.changes).extracting(PlacementChange::step).containsExactly(3);

    Outcome resumed = new Outcome();
    resumed.checkpoints = moved.checkpoints.only(3);
    train(AT_FIRST, 3, resumed, Map.of());

    assertThat(resumed.numbers(1)).isEqualTo(moved.numbers(4));
  }

  @Test
  void metricsTellWhatEachWorkerDidAndHowManyRowsEachExpertHad() throws Exception {
    Outcome moved = train(AT_FIRST, 0, new Outcome(), Map.of(1, LATER));

    int assignments = 5 * 16 * spec.model().topK();
    for (StepMetrics step : moved.metrics.values()) {
      assertThat(step.workers())
          .extracting(WorkerLoad::peer)
          .containsExactlyElementsOf(GroupPlan.of(spec, AT_FIRST).members());
      assertThat(step.workers()).allMatch(load -> load.busy() >= 0 && load.busy() <= 1);
      assertThat(step.expertRows()).hasSize(2);
      for (List<Long> layer : step.expertRows()) {
        assertThat(layer).hasSize(4);
        assertThat(layer.stream().mapToLong(Long::longValue).sum()).isEqualTo(assignments);
      }
      for (WorkerLoad load : step.workers()) {
        boolean attends = load.peer().role() == WorkerRank.Role.ATTENTION;
        assertThat(load.attentionSeconds() > 0).isEqualTo(attends);
        assertThat(load.expertSeconds() > 0)
            .isEqualTo((step.step() <= 2 ? AT_FIRST : LATER).workers().contains(load.peer()));
      }
    }
  }

  @Test
  void nothingMovesAfterTheLastStep() throws Exception {
    Outcome moved = train(AT_FIRST, 0, new Outcome(), Map.of(STEPS - 1, LATER));

    assertThat(moved.changes).isEmpty();
    assertThat(moved.metrics).hasSize(STEPS);
  }

  @Test
  void placementsThatDoNotFitAreRefused() {
    Assignment assignment = new Assignment(RUN, 1, spec, AT_FIRST, List.of(), 0);
    TrainerEnvironment environment =
        new TrainerEnvironment(
            new MemoryCheckpoints(), folder, _ -> {}, _ -> {}, TaskListener.NONE);
    List<WorkerRank> peers = GroupPlan.of(spec, AT_FIRST).members();
    try (FrameBuffers buffers = new FrameBuffers();
        MemoryChannels channels =
            new MemoryChannels(new RunKey(RUN, 1), peers, buffers, new Refusals());
        Compute compute = Devices.open("cpu", 1)) {
      for (WorkerRank peer : peers) {
        try (RankTrainer member =
            RankTrainer.create(assignment, compute, channels.channel(peer), environment)) {
          assertThatThrownBy(() -> member.rebalance(placement("e0 e0 e1 e2", "e0 e0 e0 e0")))
              .isInstanceOf(InvalidFieldException.class)
              .hasMessageContaining("names expert-2");
        }
      }
    }
  }
}
