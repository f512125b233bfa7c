package org.hetermoe.worker;

import io.quarkus.runtime.Quarkus;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.eclipse.microprofile.config.ConfigProvider;
import org.jboss.logging.Logger;

/** How a worker service starts. */
public final class WorkerMain {
  private static final Duration BROKER_TIMEOUT = Duration.ofSeconds(60);

  private WorkerMain() {}

  /**
   * Waits for the broker's topics, then runs until the process is told to end. Exits with 1 where
   * they do not appear.
   */
  public static void run(String... arguments) throws InterruptedException {
    String servers = ConfigProvider.getConfig().getValue("kafka.bootstrap.servers", String.class);
    try {
      RequiredTopics.await(servers, BROKER_TIMEOUT);
    } catch (TimeoutException | ExecutionException e) {
      Logger.getLogger(WorkerMain.class).fatalf("cannot start: %s", FailureMessage.of(e));
      System.exit(1);
    }
    Quarkus.run(arguments);
  }
}
