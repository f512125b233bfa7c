package org.hetermoe.simulate;

import java.util.Arrays;

/**
 * What happens in one step, as arrays: operations on streams, what they send, and what waits for
 * it. Knows nothing of attention or experts, so that every system is a graph of the same engine.
 *
 * <p>A <em>stream</em> computes its operations in the order in which they were added. An operation
 * begins when its stream is free and all its <em>deliveries</em> have arrived. When it is done,
 * each of its <em>sends</em> takes its turn at the sender's card and counts for one or more
 * deliveries. A delivery arrives when the last of its sends has left its card and the receiver's
 * card has taken in its bytes.
 */
final class StepGraph {
  /** No card: what is sent is there at once. */
  static final int LOCAL = -1;

  private static final int NONE = -1;

  int operations;
  int[] stream = new int[256];
  double[] seconds = new double[256];
  int[] label = new int[256];
  int[] next = new int[256];
  int[] waits = new int[256];
  int[] firstSend = new int[256];

  final int streams;
  final int[] first;
  private final int[] last;

  /** What passes on each stream before an operation that takes time. */
  final double[] pause;

  final int cards;

  int sends;
  int[] nextSend = new int[256];
  int[] sendCard = new int[256];
  double[] sendSeconds = new double[256];
  double[] sendLatency = new double[256];
  int[] sendLabel = new int[256];
  int[] sender = new int[256];
  int[] firstEdge = new int[256];

  int edges;
  int[] edgeDelivery = new int[256];
  int[] nextEdge = new int[256];

  int deliveries;
  int[] target = new int[256];
  int[] deliveryCard = new int[256];
  double[] deliverySeconds = new double[256];
  int[] deliverySends = new int[256];
  int[] deliveryLabel = new int[256];

  /**
   * A graph without operations.
   *
   * @param streams number of compute streams
   * @param cards number of network cards
   */
  StepGraph(int streams, int cards) {
    this.streams = streams;
    this.cards = cards;
    first = new int[streams];
    last = new int[streams];
    pause = new double[streams];
    Arrays.fill(first, NONE);
    Arrays.fill(last, NONE);
  }

  /** From now on so much passes on a stream before each operation that takes time. */
  void pause(int onStream, double takes) {
    pause[onStream] = takes;
  }

  /** Adds an operation at the end of a stream; returns its number. */
  int operation(int onStream, double takes, int code) {
    int number = operations++;
    if (number == stream.length) {
      int size = 2 * number;
      stream = Arrays.copyOf(stream, size);
      seconds = Arrays.copyOf(seconds, size);
      label = Arrays.copyOf(label, size);
      next = Arrays.copyOf(next, size);
      waits = Arrays.copyOf(waits, size);
      firstSend = Arrays.copyOf(firstSend, size);
    }
    stream[number] = onStream;
    seconds[number] = takes > 0 ? pause[onStream] + takes : 0;
    label[number] = code;
    next[number] = NONE;
    firstSend[number] = NONE;
    if (last[onStream] == NONE) {
      first[onStream] = number;
    } else {
      next[last[onStream]] = number;
    }
    last[onStream] = number;
    return number;
  }

  /** The last operation of a stream so far; negative if it has none. */
  int lastOf(int onStream) {
    return last[onStream];
  }

  /**
   * Adds what an operation sends when it is done. The sends of one operation leave in the reverse
   * of the order in which they are added.
   */
  int send(int operation, int card, double takes, double latency, int code) {
    int number = sends++;
    if (number == nextSend.length) {
      int size = 2 * number;
      nextSend = Arrays.copyOf(nextSend, size);
      sendCard = Arrays.copyOf(sendCard, size);
      sendSeconds = Arrays.copyOf(sendSeconds, size);
      sendLatency = Arrays.copyOf(sendLatency, size);
      sendLabel = Arrays.copyOf(sendLabel, size);
      sender = Arrays.copyOf(sender, size);
      firstEdge = Arrays.copyOf(firstEdge, size);
    }
    nextSend[number] = firstSend[operation];
    firstSend[operation] = number;
    sendCard[number] = card;
    sendSeconds[number] = takes;
    sendLatency[number] = latency;
    sendLabel[number] = code;
    sender[number] = operation;
    firstEdge[number] = NONE;
    return number;
  }

  /** Adds what an operation waits for. */
  int delivery(int operation, int card, double takes, int code) {
    int number = deliveries++;
    if (number == target.length) {
      int size = 2 * number;
      target = Arrays.copyOf(target, size);
      deliveryCard = Arrays.copyOf(deliveryCard, size);
      deliverySeconds = Arrays.copyOf(deliverySeconds, size);
      deliverySends = Arrays.copyOf(deliverySends, size);
      deliveryLabel = Arrays.copyOf(deliveryLabel, size);
    }
    target[number] = operation;
    deliveryCard[number] = card;
    deliverySeconds[number] = takes;
    deliveryLabel[number] = code;
    waits[operation]++;
    return number;
  }

  /** A delivery needs a send. */
  void connect(int send, int delivery) {
    int number = edges++;
    if (number == edgeDelivery.length) {
      edgeDelivery = Arrays.copyOf(edgeDelivery, 2 * number);
      nextEdge = Arrays.copyOf(nextEdge, 2 * number);
    }
    edgeDelivery[number] = delivery;
    nextEdge[number] = firstEdge[send];
    firstEdge[send] = number;
    deliverySends[delivery]++;
  }

  /** An operation waits for another, with nothing to be sent. */
  void after(int operation, int earlier) {
    connect(
        send(earlier, LOCAL, 0, 0, label[earlier]), delivery(operation, LOCAL, 0, label[earlier]));
  }
}
