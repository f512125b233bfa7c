package org.hetermoe.worker;

import java.util.concurrent.CompletionStage;
import org.hetermoe.run.Event;

/** What an attempt tells the coordinator. Never blocks. */
interface RunReports {
  /** Reports an event; the stage ends when the broker has it. */
  CompletionStage<Void> event(Event event);

  /** The run, attempt or state has changed: a heartbeat is due. */
  void changed();
}
