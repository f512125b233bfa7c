package org.hetermoe.compute.cuda;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import org.hetermoe.compute.cuda.driver.Context;

/**
 * Page-locked memory that kernels write to and the host reads without a copy: the note of an id
 * that lies outside of what it indexes, laid out as in {@code faults.cuh}, and one number.
 */
final class Mailbox implements AutoCloseable {
  private static final long BYTES = 64;
  private static final long NUMBER = 32;

  private final Context context;
  private final MemorySegment note;

  Mailbox(Context context) {
    this.context = context;
    this.note = context.allocateHost(BYTES);
    note.fill((byte) 0);
  }

  /** Where kernels note a fault. */
  long faultAddress() {
    return note.address();
  }

  /** Where a kernel leaves a double. */
  long numberAddress() {
    return note.address() + NUMBER;
  }

  /** The double; read after the device was waited for. */
  double number() {
    return note.get(JAVA_DOUBLE, NUMBER);
  }

  /**
   * Reports a fault once. Called after the device was waited for.
   *
   * @throws IndexOutOfBoundsException if there is one
   */
  void check() {
    int what = note.getAtIndex(JAVA_INT, 0);
    if (what == 0) {
      return;
    }
    int id = note.getAtIndex(JAVA_INT, 1);
    int bound = note.getAtIndex(JAVA_INT, 2);
    note.asSlice(0, NUMBER).fill((byte) 0);
    throw new IndexOutOfBoundsException(
        name(what) + " " + id + " is not below " + bound + "; an operation before this read it");
  }

  private static String name(int what) {
    return switch (what) {
      case 1 -> "row";
      case 2 -> "source";
      case 3 -> "id";
      case 4 -> "target";
      default -> "expert";
    };
  }

  @Override
  public void close() {
    context.freeHost(note.address());
  }
}
