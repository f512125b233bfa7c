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
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class PaceTest {
  private static final int SEQUENCES = 7;
  private static final Placement PLACEMENT =
      placement("e0 e0 e1 a1 e1 e0 a1", "e0 e0 e1 e1 e1 e0 e0", "a0 a1 a1 a1 a0 a0 a0");

  /** What was paced, in order; experts with the number of them, their rows apart. */
  private static final class Recorder implements Pace {
    private final List<String> pieces = new ArrayList<>();
    private final Map<Direction, Long> rows = new ConcurrentHashMap<>();
    private boolean startsInTheFuture;

    private void add(long startNanos, String what, Object... sizes) {
      pieces.add(what + Arrays.toString(sizes));
      startsInTheFuture |= startNanos > System.nanoTime();
    }

    @Override
    public void attention(int sequences, Direction direction, long startNanos) {
      add(startNanos, "attention", sequences, direction);
    }

    @Override
    public void embedding(int tokens, Direction direction, long startNanos) {
      add(startNanos, "embedding", tokens, direction);
    }

    @Override
    public void head(int tokens, Direction direction, long startNanos) {
      add(startNanos, "head", tokens, direction);
    }

    @Override
    public void experts(int[] perExpert, Direction direction, long startNanos) {
      add(startNanos, "experts", perExpert.length, direction);
      rows.merge(direction, Arrays.stream(perExpert).asLongStream().sum(), Long::sum);
    }

    @Override
    public void optimizer(long parameters, long startNanos) {
      add(startNanos, "optimizer", parameters);
    }
  }

  @ParameterizedTest
  @EnumSource(ScheduleKind.class)
  void everyPieceIsPacedOnceInTheOrderOfTheSchedule(ScheduleKind schedule) throws Exception {
    GroupPlan plan = TestRun.plan(MODEL, 3, 2, 2, schedule, PLACEMENT);
    Map<WorkerRank, Recorder> recorders = new ConcurrentHashMap<>();

    TestRun.overMemory(
        plan,
        SEQUENCES,
        group -> group.paced(peer -> recorders.computeIfAbsent(peer, key -> new Recorder())));

    for (WorkerRank worker : plan.members()) {
      Recorder recorder = recorders.get(worker);
      assertThat(recorder.pieces).as("%s", worker).isEqualTo(expected(plan, worker));
      assertThat(recorder.startsInTheFuture).isFalse();
    }
    long assignments = (long) STEPS * LAYERS * SEQUENCES * LENGTH * MODEL.topK();
    for (Direction direction : Direction.values()) {
      assertThat(recorders.values().stream().mapToLong(each -> each.rows.get(direction)).sum())
          .isEqualTo(assignments);
    }
  }

  /** A worker that an emulated device holds up computes, and does not wait for others. */
  @Test
  void whatAPaceTakesIsBusyTime() throws Exception {
    long millis = 4;
    GroupPlan plan = TestRun.plan(2, 1, 1, Placement.balanced(LAYERS, TestRun.EXPERTS, 1));

    List<StepResult> results =
        TestRun.overMemory(plan, 4, group -> group.paced(worker -> new SlowExperts(millis)));

    double slept = 2 * 2 * LAYERS * millis / 1e3;
    for (StepResult result : results) {
      assertThat(result.workers().get(1).expertSeconds()).isGreaterThanOrEqualTo(slept);
      assertThat(result.workers().get(1).attentionSeconds()).isZero();
      assertThat(result.workers().get(0).expertSeconds()).isZero();
      assertThat(result.workers().get(0).attentionSeconds()).isPositive();
    }
  }

  /** Takes its time for experts alone. */
  private record SlowExperts(long millis) implements Pace {
    @Override
    public void attention(int sequences, Direction direction, long startNanos) {}

    @Override
    public void embedding(int tokens, Direction direction, long startNanos) {}

    @Override
    public void head(int tokens, Direction direction, long startNanos) {}

    @Override
    public void experts(int[] rows, Direction direction, long startNanos)
        throws InterruptedException {
      Thread.sleep(millis);
    }

    @Override
    public void optimizer(long parameters, long startNanos) {}
  }

  private static List<String> expected(GroupPlan plan, WorkerRank worker) {
    List<String> step = new ArrayList<>();
    for (Task task : plan.schedule().of(worker, plan.placement())) {
      switch (task.work()) {
        case ATTENTION -> attention(plan, worker, task, step);
        case EXPERTS -> {
          int owned = plan.placement().expertsOf(task.stage(), worker).size();
          step.add("experts[" + owned + ", " + task.direction() + "]");
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
            : "attention[" + sequences + ", " + task.direction() + "]");
    if (task.stage() == 0 && task.direction() == Direction.BACKWARD) {
      step.add(embedding);
    }
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
    long[] waited = {0};
    List<Long> taken = new ArrayList<>();
    Pace pace = new TakenPace(taken);
    PacedWork work = new PacedWork(pace, () -> waited[0]);

    Thread.sleep(20);
    work.optimizer(1);
    Thread.sleep(20);
    waited[0] += TimeUnit.HOURS.toNanos(1);
    work.optimizer(1);
    Thread.sleep(20);
    work.begin();
    waited[0] += TimeUnit.HOURS.toNanos(1);
    work.optimizer(1);

    long hour = TimeUnit.HOURS.toNanos(1);
    assertThat(taken.get(0)).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(20));
    assertThat(taken.get(1) + hour).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(20));
    assertThat(taken.get(1)).isNegative();
    assertThat(taken.get(2)).isNegative();
  }

  /** Notes how long the optimizer has taken; other work does not come. */
  private record TakenPace(List<Long> taken) implements Pace {
    @Override
    public void attention(int sequences, Direction direction, long startNanos) {
      throw new AssertionError("attention");
    }

    @Override
    public void embedding(int tokens, Direction direction, long startNanos) {
      throw new AssertionError("embedding");
    }

    @Override
    public void head(int tokens, Direction direction, long startNanos) {
      throw new AssertionError("head");
    }

    @Override
    public void experts(int[] rows, Direction direction, long startNanos) {
      throw new AssertionError("experts");
    }

    @Override
    public void optimizer(long parameters, long startNanos) {
      taken.add(System.nanoTime() - startNanos);
    }
  }
}
