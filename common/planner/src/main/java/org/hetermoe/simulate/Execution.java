package org.hetermoe.simulate;

import java.util.Arrays;

/**
 * A step graph as it happens, event by event. Each stream computes in its order; a card serves what
 * is sent, and what comes in, first come first served, each direction by itself.
 */
final class Execution {
  /** Nothing that was sent kept the operation waiting: its stream did. */
  static final int STREAM = -1;

  final StepGraph graph;

  /** When each operation began. */
  final double[] start;

  /** When each send took the card, and left it. */
  final double[] sendStart;

  final double[] sendEnd;

  /** When the first byte of each delivery came, and when all of it was there. */
  final double[] deliveryStart;

  final double[] deliveryEnd;

  /** The delivery that an operation waited for longest, or {@link #STREAM}. */
  final int[] cause;

  /** The send that a delivery waited for longest. */
  final int[] latest;

  /** When the last operation ended. */
  double seconds;

  private final int[] waits;
  private final int[] missing;
  private final double[] ready;
  private final double[] outFree;
  private final double[] inFree;
  private final int[] head;
  private final boolean[] computing;
  private final double[] free;
  private final FinishQueue queue;

  private Execution(StepGraph graph) {
    this.graph = graph;
    start = new double[graph.operations];
    cause = new int[graph.operations];
    ready = new double[graph.operations];
    waits = Arrays.copyOf(graph.waits, graph.operations);
    sendStart = new double[graph.sends];
    sendEnd = new double[graph.sends];
    deliveryStart = new double[graph.deliveries];
    deliveryEnd = new double[graph.deliveries];
    latest = new int[graph.deliveries];
    missing = Arrays.copyOf(graph.deliverySends, graph.deliveries);
    outFree = new double[graph.cards];
    inFree = new double[graph.cards];
    head = graph.first.clone();
    computing = new boolean[graph.streams];
    free = new double[graph.streams];
    queue = new FinishQueue(graph.streams);
    Arrays.fill(cause, STREAM);
    Arrays.fill(deliveryStart, Double.POSITIVE_INFINITY);
  }

  /**
   * Executes a graph.
   *
   * @throws IllegalArgumentException if operations wait for each other
   */
  static Execution of(StepGraph graph) {
    Execution execution = new Execution(graph);
    execution.run();
    return execution;
  }

  /** When an operation ended. */
  double end(int operation) {
    return start[operation] + graph.seconds[operation];
  }

  private void run() {
    for (int stream = 0; stream < graph.streams; stream++) {
      begin(stream);
    }
    int done = 0;
    while (!queue.isEmpty()) {
      int stream = queue.poll();
      int operation = head[stream];
      double now = end(operation);
      done++;
      seconds = now;
      free[stream] = now;
      computing[stream] = false;
      head[stream] = graph.next[operation];
      for (int send = graph.firstSend[operation]; send >= 0; send = graph.nextSend[send]) {
        send(send, now);
      }
      begin(stream);
    }
    if (done < graph.operations) {
      throw new IllegalArgumentException(
          "the order cannot be executed: "
              + (graph.operations - done)
              + " operations wait for each other, the first is "
              + Label.of(graph.label[stuck()]));
    }
  }

  private int stuck() {
    int stream = 0;
    while (head[stream] < 0) {
      stream++;
    }
    return head[stream];
  }

  private void begin(int stream) {
    int operation = head[stream];
    if (operation < 0 || computing[stream] || waits[operation] > 0) {
      return;
    }
    computing[stream] = true;
    double begins = free[stream];
    if (ready[operation] > begins) {
      begins = ready[operation];
    } else {
      cause[operation] = STREAM;
    }
    start[operation] = begins;
    queue.add(stream, begins + graph.seconds[operation]);
  }

  private void send(int send, double now) {
    int card = graph.sendCard[send];
    double begins = now;
    double ends = now;
    if (card >= 0) {
      begins = Math.max(now, outFree[card]);
      ends = begins + graph.sendSeconds[send];
      outFree[card] = ends;
    }
    sendStart[send] = begins;
    sendEnd[send] = ends;
    double there = ends + graph.sendLatency[send];
    for (int edge = graph.firstEdge[send]; edge >= 0; edge = graph.nextEdge[edge]) {
      int delivery = graph.edgeDelivery[edge];
      if (begins < deliveryStart[delivery]) {
        deliveryStart[delivery] = begins;
      }
      if (there >= deliveryEnd[delivery]) {
        deliveryEnd[delivery] = there;
        latest[delivery] = send;
      }
      if (--missing[delivery] == 0) {
        arrive(delivery, graph.sendLatency[send]);
      }
    }
  }

  private void arrive(int delivery, double latency) {
    int card = graph.deliveryCard[delivery];
    if (card >= 0) {
      // Bytes come in while others are still being sent: the card is behind, or the senders are.
      double taken =
          Math.max(inFree[card], deliveryStart[delivery]) + graph.deliverySeconds[delivery];
      inFree[card] = taken;
      deliveryEnd[delivery] = Math.max(deliveryEnd[delivery], taken + latency);
    }
    int operation = graph.target[delivery];
    if (deliveryEnd[delivery] >= ready[operation]) {
      ready[operation] = deliveryEnd[delivery];
      cause[operation] = delivery;
    }
    if (--waits[operation] == 0) {
      int stream = graph.stream[operation];
      if (head[stream] == operation) {
        begin(stream);
      }
    }
  }
}
