package org.hetermoe.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Frames whose contents follow from their key, so that any receiver can check them. */
public final class Frames {
  private Frames() {}

  /** A key of a dispatch frame. */
  public static FrameKey key(WorkerRank sender, int step, int layer, int microBatch) {
    return new FrameKey(Phase.DISPATCH, step, new Subject.MicroBatch(layer, microBatch), sender);
  }

  /** Makes, fills and sends a frame. */
  public static void send(
      Channel channel, WorkerRank receiver, FrameKey key, int tableSize, int rows, int columns)
      throws InterruptedException {
    channel.send(receiver, filled(channel, key, tableSize, rows, columns));
  }

  /** Makes and fills a frame. */
  public static Frame filled(Channel channel, FrameKey key, int tableSize, int rows, int columns) {
    Frame frame = channel.newFrame(key, tableSize, DType.F32, Shape.of(rows, columns));
    MemorySegment table = frame.table();
    for (int i = 0; i < tableSize; i++) {
      table.setAtIndex(ValueLayout.JAVA_INT, i, seed(key) ^ i);
    }
    MemorySegment data = frame.data();
    for (long i = 0; i < (long) rows * columns; i++) {
      data.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (seed(key) + i % 1009));
    }
    return frame;
  }

  /** Receives a frame and checks that it is what {@link #send} sent. */
  public static void receive(Channel channel, FrameKey key, int tableSize, int rows, int columns)
      throws InterruptedException {
    try (Frame frame = channel.receive(key)) {
      assertThat(frame.key()).isEqualTo(key);
      assertThat(frame.dtype()).isEqualTo(DType.F32);
      assertThat(frame.shape()).isEqualTo(Shape.of(rows, columns));
      MemorySegment table = frame.table();
      MemorySegment data = frame.data();
      assertThat(table.byteSize()).isEqualTo(4L * tableSize);
      assertThat(data.byteSize()).isEqualTo(4L * rows * columns);
      assertThat(data.address() % FrameHeader.ALIGNMENT).isZero();
      int wrong = 0;
      for (int i = 0; i < tableSize; i++) {
        wrong += table.getAtIndex(ValueLayout.JAVA_INT, i) == (seed(key) ^ i) ? 0 : 1;
      }
      for (long i = 0; i < (long) rows * columns; i++) {
        wrong +=
            data.getAtIndex(ValueLayout.JAVA_FLOAT, i) == (float) (seed(key) + i % 1009) ? 0 : 1;
      }
      assertThat(wrong).as("wrong elements in %s", key).isZero();
    }
  }

  private static int seed(FrameKey key) {
    int[] subject = key.subject().numbers();
    return (key.step() * 31 + subject[0]) * 31
        + subject[1] * 7
        + key.sender().rank()
        + 1000 * key.phase().code();
  }
}
