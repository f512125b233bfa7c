package org.hetermoe.worker;

import java.util.concurrent.CompletionStage;
import org.hetermoe.run.Event;
import org.hetermoe.run.StepMetrics;

/** What a session tells the coordinator. Never blocks. */
interface RunReports {
  /** Reports an event; the stage ends when the broker has it. */
  CompletionStage<Void> event(Event event);

  /** Reports a step. */
  void metrics(StepMetrics metrics);

  /** The run, attempt or state has changed: a heartbeat is due. */
  void changed();
}
