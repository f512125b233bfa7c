package org.hetermoe.simulate;

/** Streams by the time at which each will be done, the earliest first; each at most once. */
final class FinishQueue {
  private final int[] heap;
  private final double[] time;
  private int size;

  FinishQueue(int streams) {
    heap = new int[streams];
    time = new double[streams];
  }

  boolean isEmpty() {
    return size == 0;
  }

  void add(int stream, double at) {
    time[stream] = at;
    int place = size++;
    while (place > 0 && before(stream, heap[(place - 1) / 2])) {
      heap[place] = heap[(place - 1) / 2];
      place = (place - 1) / 2;
    }
    heap[place] = stream;
  }

  int poll() {
    int earliest = heap[0];
    int moved = heap[--size];
    int place = 0;
    while (true) {
      int child = 2 * place + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && before(heap[child + 1], heap[child])) {
        child++;
      }
      if (!before(heap[child], moved)) {
        break;
      }
      heap[place] = heap[child];
      place = child;
    }
    heap[place] = moved;
    return earliest;
  }

  /** By time, and by number where times are the same, so that every execution is the same. */
  private boolean before(int one, int other) {
    int byTime = Double.compare(time[one], time[other]);
    return byTime < 0 || (byTime == 0 && one < other);
  }
}
