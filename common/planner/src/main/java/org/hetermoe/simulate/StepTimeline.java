package org.hetermoe.simulate;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;

/**
 * One simulated step, in full.
 *
 * @param stepSeconds how long the step takes
 * @param rows the devices; those that are alike in everything may be one row
 * @param spans what their streams did, by row and time
 * @param criticalPath what the step's end waited for, from its begin
 */
public record StepTimeline(
    double stepSeconds, List<Row> rows, List<Span> spans, List<Span> criticalPath) {
  /**
   * A device, or several that are alike.
   *
   * @param name of the worker, of the first if there are several
   * @param device its kind
   * @param count how many
   * @param memoryBytes that it needs
   * @param capacityBytes that it has
   */
  public record Row(String name, String device, int count, long memoryBytes, long capacityBytes) {
    /** Whether its memory is large enough. */
    public boolean fits() {
      return memoryBytes <= capacityBytes;
    }
  }

  /**
   * Shares of the step.
   *
   * @param busy computing
   * @param waiting not computing
   * @param communicating sending or receiving, computing or not
   */
  public record Utilization(double busy, double waiting, double communicating) {}

  static StepTimeline of(Execution execution, List<Row> rows) {
    return new StepTimeline(execution.seconds, rows, spansOf(execution), pathOf(execution));
  }

  /** How a device spends the step. */
  public Utilization utilization(int row) {
    double busy = 0;
    List<Span> traffic = new ArrayList<>();
    for (Span span : spans) {
      if (span.row() == row) {
        if (span.stream() == Span.Stream.COMPUTE && span.label().kind() != Label.Kind.REDUCE) {
          busy += span.seconds();
        } else {
          traffic.add(span);
        }
      }
    }
    traffic.sort(Comparator.comparingDouble(Span::start));
    double communicating = 0;
    double covered = 0;
    for (Span span : traffic) {
      communicating += Math.max(0, span.end() - Math.max(covered, span.start()));
      covered = Math.max(covered, span.end());
    }
    return new Utilization(busy / stepSeconds, 1 - busy / stepSeconds, communicating / stepSeconds);
  }

  private static List<Span> spansOf(Execution execution) {
    StepGraph graph = execution.graph;
    List<Span> spans = new ArrayList<>();
    for (int operation = 0; operation < graph.operations; operation++) {
      if (graph.seconds[operation] > 0) {
        spans.add(
            new Span(
                graph.stream[operation],
                Span.Stream.COMPUTE,
                Label.of(graph.label[operation]),
                execution.start[operation] + graph.pause[graph.stream[operation]],
                execution.end(operation)));
      }
    }
    for (int send = 0; send < graph.sends; send++) {
      if (graph.sendCard[send] >= 0) {
        Label label = Label.of(graph.sendLabel[send]);
        spans.add(
            new Span(
                graph.stream[graph.sender[send]],
                streamOf(label),
                label,
                execution.sendStart[send],
                execution.sendEnd[send]));
      }
    }
    for (int delivery = 0; delivery < graph.deliveries; delivery++) {
      if (graph.deliveryCard[delivery] >= 0) {
        Label label = Label.of(graph.deliveryLabel[delivery]);
        spans.add(
            new Span(
                graph.stream[graph.target[delivery]],
                streamOf(label),
                label,
                execution.deliveryStart[delivery],
                execution.deliveryEnd[delivery]));
      }
    }
    spans.sort(
        Comparator.comparingInt(Span::row)
            .thenComparing(Span::stream)
            .thenComparingDouble(Span::start));
    return spans;
  }

  private static Span.Stream streamOf(Label label) {
    return label.kind() == Label.Kind.COMBINE ? Span.Stream.COMBINE : Span.Stream.DISPATCH;
  }

  /** From the operation that ends last back to the begin: what each waited for longest. */
  private static List<Span> pathOf(Execution execution) {
    StepGraph graph = execution.graph;
    int[] before = new int[graph.operations];
    int at = -1;
    Arrays.fill(before, -1);
    for (int operation = 0; operation < graph.operations; operation++) {
      if (graph.next[operation] >= 0) {
        before[graph.next[operation]] = operation;
      }
      if (at < 0 || execution.end(operation) > execution.end(at)) {
        at = operation;
      }
    }
    Deque<Span> path = new ArrayDeque<>();
    while (at >= 0) {
      if (graph.seconds[at] > 0) {
        path.addFirst(
            new Span(
                graph.stream[at],
                Span.Stream.COMPUTE,
                Label.of(graph.label[at]),
                execution.start[at],
                execution.end(at)));
      }
      int cause = execution.cause[at];
      if (cause < 0) {
        at = before[at];
        continue;
      }
      int send = execution.latest[cause];
      if (graph.deliveryCard[cause] >= 0) {
        Label label = Label.of(graph.deliveryLabel[cause]);
        path.addFirst(
            new Span(
                graph.stream[at],
                streamOf(label),
                label,
                execution.sendStart[send],
                execution.deliveryEnd[cause]));
      }
      at = graph.sender[send];
    }
    return List.copyOf(path);
  }
}
