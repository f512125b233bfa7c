package org.hetermoe.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.StringReader;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.hetermoe.group.Placement;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.schedule.ZebraSchedule;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

/** What a simulated step looks like outside. */
class ChartTest {
  private final GroupCosts costs =
      Costs.group(1, 1, 2, List.of(Costs.attention(3, 12)), List.of(Costs.expert(3, 12)));
  private final SimulatedWorkers workers =
      new SimulatedWorkers(costs, Placement.balanced(1, 1, 1), false);
  private final StepTimeline step =
      StepTimeline.of(
          Simulator.execute(costs, workers, new ZebraSchedule(1, 2)),
          Memory.rows(costs, workers, new ReplicatedPlacement(Placement.balanced(1, 1, 1))));

  @Test
  void countsTheSharesOfTheStep() {
    // 28 seconds: attention 2 (2 + 1 + 2 + 4), experts 2 (3 + 6), four messages each way
    assertThat(step.stepSeconds()).isEqualTo(28);
    assertThat(step.utilization(0).busy()).isCloseTo(18 / 28.0, within(1e-12));
    assertThat(step.utilization(0).waiting()).isCloseTo(10 / 28.0, within(1e-12));
    assertThat(step.utilization(0).communicating()).isCloseTo(8 / 28.0, within(1e-12));
    assertThat(step.utilization(1).busy()).isCloseTo(18 / 28.0, within(1e-12));
  }

  @Test
  void theCriticalPathHasNoGaps() {
    double at = 0;
    for (Span span : step.criticalPath()) {
      assertThat(span.start()).isEqualTo(at);
      at = span.end();
    }
    assertThat(at).isEqualTo(28);
  }

  @Test
  void theChartIsWellFormed() throws Exception {
    Document chart =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader(ZebraChart.of(step, "a < b & c"))));

    assertThat(chart.getDocumentElement().getTagName()).isEqualTo("svg");
    // a background, 12 in the legend, 3 lanes for each of 2 devices, 20 spans seen at both ends of
    // each message: 12 tasks and 8 messages twice
    assertThat(chart.getElementsByTagName("rect").getLength()).isEqualTo(1 + 12 + 6 + 12 + 16);
  }

  @Test
  void theTraceHasAnEventForEverySpan() {
    JsonNode trace = TimelineJson.chromeTrace(step);
    JsonNode timeline = TimelineJson.timeline(step);

    assertThat(trace.get("traceEvents")).hasSize(step.spans().size() + 2 * (1 + 3));
    assertThat(timeline.get("spans")).hasSize(step.spans().size());
    assertThat(timeline.get("devices").get(1).get("name").asText()).isEqualTo("expert-0");
    assertThat(timeline.get("step_seconds").asDouble()).isEqualTo(28);
  }
}
