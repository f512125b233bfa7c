package org.hetermoe.train.step;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a rank's device computes, where the device is behind its rank. */
class TaskClockTest {
  private static final Task FIRST = Task.attention(0, 0, Direction.FORWARD);
  private static final Task SECOND = Task.attention(0, 1, Direction.FORWARD);

  private final LateDevice device = new LateDevice();
  private final List<String> told = new ArrayList<>();
  private final DeviceTime time = new DeviceTime(device.compute());
  private final TaskClock clock =
      new TaskClock(
          new TaskListener() {
            @Override
            public void end(Task task, TaskMeasurement measurement) {
              told.add(task.microBatch() + ": " + measurement.deviceNanos());
            }

            @Override
            public void betweenTasks(long deviceNanos) {
              if (deviceNanos > 0) {
                told.add("between: " + deviceNanos);
              }
            }
          },
          time,
          TaskClock.Traffic.NONE);

  @AfterEach
  void nothingIsLeft() {
    clock.close();
    time.close();
    assertThat(device.openMarks()).isZero();
  }

  @Test
  void aTaskIsToldWhenTheDeviceHasDoneItAndTheRankGoesOn() throws Exception {
    clock.beginStep(1);
    clock.run(FIRST, () -> device.give(100));
    assertThat(told).isEmpty();
    clock.run(
        SECOND,
        () -> {
          device.give(30);
          device.pass(110);
        });
    assertThat(told).containsExactly("0: 100");
    clock.settle();
    assertThat(told).containsExactly("0: 100", "1: 30");
  }

  @Test
  void whatTheDeviceDoesWhileItsRankWaitsCountsAndItsIdlenessDoesNot() throws Exception {
    clock.beginStep(1);
    clock.run(
        FIRST,
        () -> {
          device.give(100);
          device.pass(10);
          time.pause();
          device.pass(1000);
          time.resume();
          device.give(5);
        });
    clock.settle();
    assertThat(told).containsExactly("0: 105");
  }

  @Test
  void aRankThatWaitsForFramesThatAreThereLeavesNoGap() throws Exception {
    clock.beginStep(1);
    clock.run(
        FIRST,
        () -> {
          device.give(100);
          time.pause();
          device.pass(1);
          time.resume();
          device.give(5);
        });
    clock.settle();
    assertThat(told).containsExactly("0: 105");
  }

  @Test
  void whatIsNoTaskIsToldApart() throws Exception {
    clock.beginStep(1);
    device.give(7);
    clock.run(FIRST, () -> device.give(100));
    device.give(9);
    clock.settle();
    assertThat(told).containsExactly("between: 7", "0: 100", "between: 9");
  }

  @Test
  void aStepBeginsWithoutWhatCameBefore() throws Exception {
    clock.run(FIRST, () -> device.give(100));
    BusyShares busy = new BusyShares();
    try (DeviceTime other = new DeviceTime(device.compute());
        TaskClock shares = new TaskClock(busy, other, TaskClock.Traffic.NONE)) {
      shares.run(SECOND, () -> device.give(1_000_000_000_000L));
      shares.beginStep(2);
      assertThat(busy.times().busy()).isZero();
      shares.run(SECOND, () -> device.give(2_000_000_000));
      assertThat(busy.times().attentionSeconds()).isZero();
      shares.settle();
      assertThat(busy.times().attentionSeconds()).isEqualTo(2);
      assertThat(busy.times().busy()).isEqualTo(1);
    }
  }

  @Test
  void aRankThatFailsLeavesNoMarks() throws Exception {
    clock.beginStep(1);
    clock.run(FIRST, () -> device.give(100));
    time.pause();
    assertThat(device.openMarks()).isPositive();
  }
}
