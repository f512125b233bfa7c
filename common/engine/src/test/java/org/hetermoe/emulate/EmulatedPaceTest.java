package org.hetermoe.emulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.Pass;
import org.hetermoe.device.ScaledProfile;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.RunSpecReader;
import org.hetermoe.schedule.Task.Direction;
import org.junit.jupiter.api.Test;

class EmulatedPaceTest {
  private static final ModelShape MODEL = ModelShape.of("m", RunSpecReader.defaults().model());

  @Test
  void takesAsLongAsTheDeviceWould() throws InterruptedException {
    EmulatedPace pace = pace(1_000);

    assertThat(millis(start -> pace.attention(2, Direction.FORWARD, start))).isBetween(20.0, 40.0);
    assertThat(millis(start -> pace.head(8, Direction.BACKWARD, start))).isBetween(8.0, 28.0);
    // An expert without rows takes no time.
    assertThat(millis(start -> pace.experts(new int[] {3, 0, 5}, Direction.FORWARD, start)))
        .isBetween(8.0, 28.0);
    assertThat(millis(start -> pace.embedding(1, Direction.FORWARD, start))).isBetween(1.0, 21.0);
    assertThat(millis(start -> pace.optimizer(5, start))).isBetween(5.0, 25.0);
    assertThat(pace.late()).isZero();
  }

  @Test
  void countsWhatTookLongerForReal() throws InterruptedException {
    EmulatedPace pace = pace(1);

    pace.head(3, Direction.FORWARD, System.nanoTime() - 1_000_000_000);

    assertThat(pace.late()).isEqualTo(1);
    assertThat(pace.lateNanos()).isBetween(990_000_000L, 1_100_000_000L);
  }

  @Test
  void letsItselfBeInterrupted() {
    EmulatedPace pace = pace(1_000_000);
    Thread.currentThread().interrupt();

    assertThatThrownBy(() -> pace.head(3, Direction.FORWARD, System.nanoTime()))
        .isInstanceOf(InterruptedException.class);
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

  private static EmulatedPace pace(double timeScale) {
    return new EmulatedPace(new ScaledProfile(new Microseconds(), timeScale, 1, 1), MODEL, 10);
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
