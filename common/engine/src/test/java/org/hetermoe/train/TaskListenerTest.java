package org.hetermoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.hetermoe.train.TestRun.LAYERS;
import static org.hetermoe.train.TestRun.LENGTH;
import static org.hetermoe.train.TestRun.MODEL;
import static org.hetermoe.train.TestRun.STEPS;
import static org.hetermoe.train.TestRun.placement;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.Recompute;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.tensor.Shape;
import org.hetermoe.train.step.Computation;
import org.hetermoe.train.step.StepResult;
import org.hetermoe.train.step.TaskClock;
import org.hetermoe.train.step.TaskListener;
import org.hetermoe.train.step.TaskMeasurement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class TaskListenerTest {
  private static final int SEQUENCES = 7;
  private static final Placement PLACEMENT =
      placement("e0 e0 e1 a1 e1 e0 a1", "e0 e0 e1 e1 e1 e0 e0", "a0 a1 a1 a1 a0 a0 a0");

  /** What was computed, in order; experts with the number of them, their rows apart. */
  private static final class Recorder implements TaskListener {
    private final List<String> pieces = new ArrayList<>();
    private final List<Task> begun = new ArrayList<>();
    private final List<Task> ended = new ArrayList<>();
    private final Map<Direction, Long> rows = new ConcurrentHashMap<>();
    private long measuredRows;
    private long sentBytes;
    private boolean startsInTheFuture;

    @Override
    public void begin(Task task) {
      begun.add(task);
    }

    @Override
    public void computed(Computation computation, long sinceNanos) {
      startsInTheFuture |= sinceNanos > System.nanoTime();
      pieces.add(
          switch (computation) {
            case Computation.Attention(
                    int layer,
                    int sequences,
                    Direction direction,
                    boolean again) ->
                "attention[" + sequences + ", " + direction + (again ? ", again]" : "]");
            case Computation.Embedding(int tokens, Direction direction) ->
                "embedding[" + tokens + ", " + direction + "]";
            case Computation.Head(int tokens, Direction direction) ->
                "head[" + tokens + ", " + direction + "]";
            case Computation.Experts(
                    int layer,
                    int[] perExpert,
                    Direction direction,
                    boolean again) -> {
              rows.merge(direction, Arrays.stream(perExpert).asLongStream().sum(), Long::sum);
              yield "experts[" + perExpert.length + ", " + direction + (again ? ", again]" : "]");
            }
            case Computation.Optimizer(long parameters) -> "optimizer[" + parameters + "]";
          });
    }

    @Override
    public void end(Task task, TaskMeasurement measurement) {
      ended.add(task);
      measuredRows += measurement.expertRows();
      sentBytes += measurement.sentBytes();
      assertThat(measurement.endNanos()).isGreaterThanOrEqualTo(measurement.beginNanos());
      assertThat(measurement.deviceNanos())
          .isBetween(0L, measurement.endNanos() - measurement.beginNanos());
    }
  }

  @ParameterizedTest
  @CsvSource({"ZEBRA,NONE", "SEQUENTIAL,NONE", "ZEBRA,ATTENTION", "SEQUENTIAL,FULL"})
  void everyPieceIsToldOnceInTheOrderOfTheSchedule(ScheduleKind schedule, Recompute recompute)
      throws Exception {
    GroupPlan plan = TestRun.plan(MODEL, 3, 2, 2, schedule, PLACEMENT).with(recompute);
    Map<WorkerRank, Recorder> recorders = new ConcurrentHashMap<>();

    TestRun.overMemory(
        plan,
        SEQUENCES,
        group -> group.heardBy(peer -> recorders.computeIfAbsent(peer, key -> new Recorder())));

    for (WorkerRank worker : plan.members()) {
      Recorder recorder = recorders.get(worker);
      assertThat(recorder.pieces).as("%s", worker).isEqualTo(expected(plan, worker));
      assertThat(recorder.startsInTheFuture).isFalse();
      List<Task> step = plan.schedule().of(worker, plan.placement());
      List<Task> all = IntStream.range(0, STEPS).boxed().flatMap(_ -> step.stream()).toList();
      assertThat(recorder.begun).as("%s", worker).isEqualTo(all);
      assertThat(recorder.ended).as("%s", worker).isEqualTo(all);
      assertThat(recorder.sentBytes).isPositive();
    }
    long assignments = (long) STEPS * LAYERS * SEQUENCES * LENGTH * MODEL.topK();
    for (Direction direction : Direction.values()) {
      assertThat(recorders.values().stream().mapToLong(each -> each.rows.get(direction)).sum())
          .isEqualTo(assignments);
    }
    assertThat(recorders.values().stream().mapToLong(each -> each.measuredRows).sum())
        .isEqualTo(assignments * Direction.values().length);
  }

  /** A rank that an emulated device holds up computes, and does not wait for others. */
  @Test
  void whatAListenerTakesIsBusyTime() throws Exception {
    long millis = 4;
    GroupPlan plan = TestRun.plan(2, 1, 1, Placement.balanced(LAYERS, TestRun.EXPERTS, 1));

    List<StepResult> results =
        TestRun.overMemory(plan, 4, group -> group.heardBy(worker -> new SlowExperts(millis)));

    double slept = 2 * 2 * LAYERS * millis / 1e3;
    for (StepResult result : results) {
      assertThat(result.workers().get(1).expertSeconds()).isGreaterThanOrEqualTo(slept);
      assertThat(result.workers().get(1).attentionSeconds()).isZero();
      assertThat(result.workers().get(0).expertSeconds()).isZero();
      assertThat(result.workers().get(0).attentionSeconds()).isPositive();
    }
  }

  /** Takes its time for experts alone. */
  private record SlowExperts(long millis) implements TaskListener {
    @Override
    public void computed(Computation computation, long sinceNanos) throws InterruptedException {
      if (computation instanceof Computation.Experts) {
        Thread.sleep(millis);
      }
    }
  }

  private static List<String> expected(GroupPlan plan, WorkerRank worker) {
    List<String> step = new ArrayList<>();
    for (Task task : plan.schedule().of(worker, plan.placement())) {
      switch (task.work()) {
        case ATTENTION -> attention(plan, worker, task, step);
        case EXPERTS -> {
          int owned = plan.placement().expertsOf(task.stage(), worker).size();
          step.add(piece("experts[" + owned, task.direction(), plan.recompute().experts()));
        }
      }
    }
    step.add("optimizer[" + parameters(plan, worker) + "]");
    List<String> all = new ArrayList<>();
    for (int i = 0; i < STEPS; i++) {
      all.addAll(step);
    }
    return all;
  }

  private static void attention(GroupPlan plan, WorkerRank worker, Task task, List<String> step) {
    int sequences =
        plan.share(plan.microBatch(SEQUENCES, task.microBatch()), worker.rank()).count();
    int tokens = sequences * LENGTH;
    String embedding = "embedding[" + tokens + ", " + task.direction() + "]";
    if (task.stage() == 0 && task.direction() == Direction.FORWARD) {
      step.add(embedding);
    }
    step.add(
        task.stage() == LAYERS
            ? "head[" + tokens + ", " + task.direction() + "]"
            : piece("attention[" + sequences, task.direction(), plan.recompute().attention()));
    if (task.stage() == 0 && task.direction() == Direction.BACKWARD) {
      step.add(embedding);
    }
  }

  private static String piece(String begin, Direction direction, boolean recompute) {
    boolean again = recompute && direction == Direction.BACKWARD;
    return begin + ", " + direction + (again ? ", again]" : "]");
  }

  private static long parameters(GroupPlan plan, WorkerRank worker) {
    long sum =
        worker.role() == WorkerRank.Role.ATTENTION ? elements(ParameterNames.attention(MODEL)) : 0;
    for (int layer = 0; layer < LAYERS; layer++) {
      for (int expert : plan.placement().expertsOf(layer, worker)) {
        sum += elements(ParameterNames.expert(MODEL, layer, expert));
      }
    }
    return sum;
  }

  private static long elements(Map<String, Shape> shapes) {
    return shapes.values().stream().mapToLong(Shape::elements).sum();
  }

  @Test
  void waitingForOthersIsNoPartOfAPieceAndWorkBetweenPiecesIs() throws Exception {
    AtomicLong waited = new AtomicLong();
    List<Long> taken = new ArrayList<>();
    TaskListener listener =
        new TaskListener() {
          @Override
          public void computed(Computation computation, long sinceNanos) {
            taken.add(System.nanoTime() - sinceNanos);
          }
        };
    TaskClock clock = new TaskClock(listener, new Waited(waited));
    Computation piece = new Computation.Optimizer(1);

    Thread.sleep(20);
    clock.computed(piece);
    Thread.sleep(20);
    waited.addAndGet(TimeUnit.HOURS.toNanos(1));
    clock.computed(piece);
    Thread.sleep(20);
    clock.resume();
    waited.addAndGet(TimeUnit.HOURS.toNanos(1));
    clock.computed(piece);

    long hour = TimeUnit.HOURS.toNanos(1);
    assertThat(taken.get(0)).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(20));
    assertThat(taken.get(1) + hour).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(20));
    assertThat(taken.get(1)).isNegative();
    assertThat(taken.get(2)).isNegative();
  }

  /** So much waiting, and nothing sent. */
  private record Waited(AtomicLong nanos) implements TaskClock.Traffic {
    @Override
    public long waitedNanos() {
      return nanos.get();
    }

    @Override
    public long sentBytes() {
      return 0;
    }
  }
}
