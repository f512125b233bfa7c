package org.hetermoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.run.DataSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchesTest {
  private static final int LENGTH = 5;

  @TempDir private Path folder;

  /** Tokens 1, 2, ..., so that a sequence's first token tells where it was cut. */
  private PackedTokens counting(int tokens) throws IOException {
    byte[] content = new byte[tokens];
    for (int i = 0; i < tokens; i++) {
      content[i] = (byte) (i + 1);
    }
    Path file = Files.write(folder.resolve("counting-" + tokens), content);
    return PackedTokens.open(data(file, 0.2), 1, 256, folder.resolve("packed"));
  }

  private static DataSpec data(Path file, double heldOut) {
    return new DataSpec(file.toString(), "bytes", LENGTH, heldOut);
  }

  private Batches batches(PackedTokens tokens, double heldOut, long seed) {
    return new Batches(tokens, data(folder, heldOut), seed);
  }

  @Test
  void targetsAreTheTokensThatFollow() throws IOException {
    try (PackedTokens tokens = counting(101)) {
      SequenceBatch batch = batches(tokens, 0.2, 1).training(3, 4);

      assertThat(batch.sequences()).isEqualTo(4);
      assertThat(batch.length()).isEqualTo(LENGTH);
      assertThat(batch.inputs()).hasSize(20);
      for (int i = 0; i < batch.inputs().length; i++) {
        assertThat(batch.targets()[i]).isEqualTo(batch.inputs()[i] + 1);
        assertThat(batch.inputs()[i] % LENGTH).isEqualTo((i + 1) % LENGTH);
      }
    }
  }

  @Test
  void everyPassTrainsOnEveryWindowOnceInANewOrder() throws IOException {
    try (PackedTokens tokens = counting(101)) {
      Batches batches = batches(tokens, 0.2, 1);
      assertThat(batches.trainingSequences()).isEqualTo(16);
      assertThat(batches.evaluationSequences()).isEqualTo(4);

      int[] first = starts(batches.training(0, 16));
      int[] second = starts(batches.training(16, 16));

      assertThat(sorted(first)).isEqualTo(sorted(second));
      assertThat(first).isNotEqualTo(second).doesNotHaveDuplicates();
      assertThat(Arrays.stream(first).max().orElseThrow()).isEqualTo(15 * LENGTH + 1);
    }
  }

  @Test
  void anyPositionIsFoundWithoutThoseBefore() throws IOException {
    try (PackedTokens tokens = counting(101)) {
      Batches batches = batches(tokens, 0.2, 1);
      int[] all = starts(batches.training(0, 64));

      assertThat(starts(batches(tokens, 0.2, 1).training(13, 7)))
          .isEqualTo(Arrays.copyOfRange(all, 13, 20));
      assertThat(starts(batches.training(1_000_000_000_000L, 2))).hasSize(2);
      assertThat(starts(batches(tokens, 0.2, 2).training(0, 64))).isNotEqualTo(all);
      assertThat(batches.training(5, 0).inputs()).isEmpty();
    }
  }

  @Test
  void evaluationTakesTheHeldOutEndAlone() throws IOException {
    try (PackedTokens tokens = counting(101)) {
      Batches batches = batches(tokens, 0.2, 1);

      int[] heldOut = starts(batches.evaluation(0, 4));

      assertThat(heldOut).containsExactlyInAnyOrder(81, 86, 91, 96);
      assertThat(starts(batches.evaluation(0, 4))).isEqualTo(heldOut);
      assertThat(starts(batches.evaluation(2, 2))).isEqualTo(Arrays.copyOfRange(heldOut, 2, 4));
      assertThat(batches.evaluation(4, 0).sequences()).isZero();
      assertThatThrownBy(() -> batches.evaluation(0, 5))
          .isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> batches.training(-1, 1))
          .isInstanceOf(IndexOutOfBoundsException.class);
      Set<Integer> trained = new HashSet<>();
      for (int start : starts(batches.training(0, 16))) {
        trained.add(start);
      }
      assertThat(trained).doesNotContain(81, 86, 91, 96);
    }
  }

  @ParameterizedTest
  @CsvSource({"11, 0.5, 1, 1", "11, 0.01, 1, 1", "11, 0.99, 1, 1", "101, 0.999, 1, 19"})
  void thereIsAlwaysSomethingToTrainAndToEvaluate(
      int size, double heldOut, int training, int evaluation) throws IOException {
    try (PackedTokens tokens = counting(size)) {
      Batches batches = batches(tokens, heldOut, 1);
      assertThat(batches.trainingSequences()).isEqualTo(training);
      assertThat(batches.evaluationSequences()).isEqualTo(evaluation);
      assertThat(batches.training(0, 3).inputs()).hasSize(15);
      assertThat(batches.evaluation(0, evaluation).inputs()).hasSize(evaluation * 5);
    }
  }

  @Test
  void tooLittleTextIsNamed() throws IOException {
    try (PackedTokens tokens = counting(10)) {
      assertThatThrownBy(() -> batches(tokens, 0.2, 1))
          .asInstanceOf(type(InvalidFieldException.class))
          .satisfies(
              rejection -> {
                assertThat(rejection.field()).isEqualTo("data.source");
                assertThat(rejection)
                    .hasMessageContaining("has 10 tokens")
                    .hasMessageContaining("take 11")
                    .hasMessageContaining("data.sequence_length");
              });
    }
  }

  private static int[] starts(SequenceBatch batch) {
    int[] starts = new int[batch.sequences()];
    for (int i = 0; i < starts.length; i++) {
      starts[i] = batch.inputs()[i * batch.length()];
    }
    return starts;
  }

  private static int[] sorted(int[] values) {
    int[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted;
  }
}
