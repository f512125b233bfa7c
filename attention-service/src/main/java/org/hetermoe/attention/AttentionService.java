package org.hetermoe.attention;

import io.quarkus.runtime.annotations.QuarkusMain;
import org.hetermoe.worker.WorkerMain;

/** Starts the attention service. */
@QuarkusMain
public final class AttentionService {
  private AttentionService() {}

  /** Waits for the broker, then runs until the process is told to end. */
  public static void main(String... arguments) throws InterruptedException {
    WorkerMain.run(arguments);
  }
}
