package org.hetermoe.simulate;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;

/** A simulated step as JSON: our own form, and the one that trace viewers of browsers read. */
public final class TimelineJson {
  private static final double MICRO = 1e6;

  private TimelineJson() {}

  /** Devices with their shares of the step, all spans, and the critical path. */
  public static ObjectNode timeline(StepTimeline timeline) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.put("step_seconds", timeline.stepSeconds());
    ArrayNode devices = root.putArray("devices");
    for (int row = 0; row < timeline.rows().size(); row++) {
      StepTimeline.Row device = timeline.rows().get(row);
      StepTimeline.Utilization use = timeline.utilization(row);
      devices
          .addObject()
          .put("name", device.name())
          .put("device", device.device())
          .put("count", device.count())
          .put("busy", use.busy())
          .put("waiting", use.waiting())
          .put("communicating", use.communicating())
          .put("memory_bytes", device.memoryBytes())
          .put("capacity_bytes", device.capacityBytes());
    }
    spans(root.putArray("spans"), timeline, timeline.spans());
    spans(root.putArray("critical_path"), timeline, timeline.criticalPath());
    return root;
  }

  private static void spans(ArrayNode array, StepTimeline timeline, List<Span> spans) {
    for (Span span : spans) {
      array
          .addObject()
          .put("device", timeline.rows().get(span.row()).name())
          .put("stream", lower(span.stream()))
          .put("kind", lower(span.label().kind()))
          .put("layer", span.label().layer())
          .put("micro_batch", span.label().microBatch())
          .put("direction", lower(span.label().direction()))
          .put("start", span.start())
          .put("end", span.end());
    }
  }

  /** The Chrome trace format: a process a device, a thread a stream, times in microseconds. */
  @SuppressWarnings("EnumOrdinal") // the order of the rows
  public static ObjectNode chromeTrace(StepTimeline timeline) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    ArrayNode events = root.putArray("traceEvents");
    for (int row = 0; row < timeline.rows().size(); row++) {
      StepTimeline.Row device = timeline.rows().get(row);
      events
          .addObject()
          .put("ph", "M")
          .put("name", "process_name")
          .put("pid", row)
          .putObject("args")
          .put("name", device.name() + " (" + device.device() + ")");
      for (Span.Stream stream : Span.Stream.values()) {
        events
            .addObject()
            .put("ph", "M")
            .put("name", "thread_name")
            .put("pid", row)
            .put("tid", stream.ordinal())
            .putObject("args")
            .put("name", lower(stream));
      }
    }
    for (Span span : timeline.spans()) {
      events
          .addObject()
          .put("ph", "X")
          .put("name", span.label().toString())
          .put("cat", lower(span.label().kind()))
          .put("pid", span.row())
          .put("tid", span.stream().ordinal())
          .put("ts", span.start() * MICRO)
          .put("dur", span.seconds() * MICRO);
    }
    root.put("displayTimeUnit", "ms");
    return root;
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
