package org.hetermoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PermutationTest {
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 7, 16, 17, 63, 64, 65, 1000, 4097})
  void everyThingComesOnce(long size) {
    Permutation order = new Permutation(size, Permutation.key(1, 0));

    assertThat(LongStream.range(0, size).map(order::at).distinct().count()).isEqualTo(size);
    assertThat(LongStream.range(0, size).map(order::at)).allMatch(at -> at >= 0 && at < size);
  }

  /** Resumed runs rely on these very numbers. */
  @Test
  void theOrderNeverChanges() {
    Permutation order = new Permutation(10, Permutation.key(1, 0));
    assertThat(LongStream.range(0, 10).map(order::at).toArray())
        .containsExactly(7, 3, 5, 1, 0, 4, 6, 8, 2, 9);
    Permutation large = new Permutation(1L << 40, Permutation.key(-5, 3));
    assertThat(large.at(0)).isEqualTo(781721207891L);
  }

  @Test
  void seedAndPassDecideTheOrder() {
    long[] first = order(Permutation.key(1, 0));
    assertThat(order(Permutation.key(1, 0))).isEqualTo(first);
    assertThat(order(Permutation.key(1, 1))).isNotEqualTo(first);
    assertThat(order(Permutation.key(2, 0))).isNotEqualTo(first);
  }

  /** Each thing should stand at each place about equally often over many keys. */
  @Test
  void noPlaceIsPreferred() {
    int size = 6;
    int keys = 6000;
    int[][] counts = new int[size][size];
    for (int key = 0; key < keys; key++) {
      Permutation order = new Permutation(size, Permutation.key(7, key));
      for (int at = 0; at < size; at++) {
        counts[at][(int) order.at(at)]++;
      }
    }
    for (int[] row : counts) {
      for (int count : row) {
        assertThat(count).isBetween(850, 1150);
      }
    }
  }

  @Test
  void refusesWhatIsOutside() {
    assertThatThrownBy(() -> new Permutation(0, 1)).isInstanceOf(IllegalArgumentException.class);
    Permutation order = new Permutation(3, 1);
    assertThatThrownBy(() -> order.at(3)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> order.at(-1)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  private static long[] order(long key) {
    Permutation order = new Permutation(100, key);
    return LongStream.range(0, 100).map(order::at).toArray();
  }
}
