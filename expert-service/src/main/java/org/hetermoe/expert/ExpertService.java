package org.hetermoe.expert;

import io.quarkus.runtime.annotations.QuarkusMain;
import org.hetermoe.worker.WorkerMain;

/** Starts the expert service. */
@QuarkusMain
public final class ExpertService {
  private ExpertService() {}

  /** Waits for the broker, then runs until the process is told to end. */
  public static void main(String... arguments) throws InterruptedException {
    WorkerMain.run(arguments);
  }
}
