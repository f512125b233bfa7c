package org.hetermoe.emulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.device.ScaledProfile;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.train.step.Computation;
import org.junit.jupiter.api.Test;

class DeviceEmulationTest {
  private static final ModelShape MODEL = ModelShape.of("m", RunSpecReader.defaults().model());

  @Test
  void takesAsLongAsTheDeviceWould() throws InterruptedException {
    DeviceEmulation device = device(1_000);

    assertThat(
            millis(
                start ->
                    device.computed(
                        new Computation.Attention(0, 2, Direction.FORWARD, false), start)))
        .isGreaterThanOrEqualTo(20.0);
    assertThat(millis(start -> device.computed(new Computation.Head(8, Direction.BACKWARD), start)))
        .isGreaterThanOrEqualTo(8.0);
    // An expert without rows takes no time.
    assertThat(
            millis(
                start ->
                    device.computed(
                        new Computation.Experts(0, new int[] {3, 0, 5}, Direction.FORWARD, false),
                        start)))
        .isGreaterThanOrEqualTo(8.0);
    assertThat(
            millis(
                start -> device.computed(new Computation.Embedding(1, Direction.FORWARD), start)))
        .isGreaterThanOrEqualTo(1.0);
    assertThat(millis(start -> device.computed(new Computation.Optimizer(5), start)))
        .isGreaterThanOrEqualTo(5.0);
  }

  @Test
  void computingAgainTakesAsLongAsItWould() throws InterruptedException {
    DeviceEmulation device = device(1_000);

    assertThat(
            millis(
                start ->
                    device.computed(
                        new Computation.Attention(0, 1, Direction.BACKWARD, true), start)))
        .isGreaterThanOrEqualTo(20.0);
    // Two of three products of 9 rows, and the backward.
    assertThat(
            millis(
                start ->
                    device.computed(
                        new Computation.Experts(0, new int[] {9}, Direction.BACKWARD, true),
                        start)))
        .isGreaterThanOrEqualTo(15.0);
  }

  @Test
  void countsWhatTookLongerForReal() throws InterruptedException {
    DeviceEmulation device = device(1);

    device.computed(new Computation.Head(3, Direction.FORWARD), System.nanoTime() - 1_000_000_000);

    assertThat(device.late()).isEqualTo(1);
    assertThat(device.lateNanos()).isBetween(990_000_000L, 1_100_000_000L);
  }

  @Test
  void letsItselfBeInterrupted() {
    DeviceEmulation device = device(1_000_000);
    Thread.currentThread().interrupt();

    assertThatThrownBy(
            () -> device.computed(new Computation.Head(3, Direction.FORWARD), System.nanoTime()))
        .isInstanceOf(InterruptedException.class);
    assertThat(device.late()).isZero();
  }

  @FunctionalInterface
  private interface Waiting {
    void from(long startNanos) throws InterruptedException;
  }

  private static double millis(Waiting waiting) throws InterruptedException {
    long start = System.nanoTime();
    waiting.from(start);
    return (System.nanoTime() - start) * 1e-6;
  }

  private static DeviceEmulation device(double timeScale) {
    return new DeviceEmulation(new ScaledProfile(new Microseconds(), timeScale, 1, 1), MODEL, 10);
  }

  /** A microsecond for each token, row or parameter. */
  private record Microseconds() implements DeviceProfile {
    @Override
    public String name() {
      return "microseconds";
    }

    @Override
    public boolean attention() {
      return true;
    }

    @Override
    public long memoryBytes() {
      return 1;
    }

    @Override
    public double attentionSeconds(ModelShape model, int sequences, int length, Pass pass) {
      return 1e-6 * sequences * length;
    }

    @Override
    public double expertSeconds(ModelShape model, double assignments, Pass pass) {
      return 1e-6 * assignments;
    }

    @Override
    public double headSeconds(ModelShape model, int tokens, Pass pass) {
      return 1e-6 * tokens;
    }

    @Override
    public double embeddingSeconds(ModelShape model, int tokens, Pass pass) {
      return 1e-6 * tokens;
    }

    @Override
    public double taskSeconds() {
      return 0;
    }

    @Override
    public double optimizerSeconds(long parameters) {
      return 1e-6 * parameters;
    }
  }
}
