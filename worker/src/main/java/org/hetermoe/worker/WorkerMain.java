package org.hetermoe.worker;

import io.quarkus.runtime.Quarkus;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.common.KafkaException;
import org.eclipse.microprofile.config.ConfigProvider;
import org.jboss.logging.Logger;

/** How a worker service starts. */
public final class WorkerMain {
  private WorkerMain() {}

  /**
   * Waits for the broker's topics, then runs until the process is told to end. Exits with 1 where
   * the broker refuses, or its address is none.
   */
  public static void run(String... arguments) throws InterruptedException {
    String servers = ConfigProvider.getConfig().getValue("kafka.bootstrap.servers", String.class);
    try {
      RequiredTopics.await(servers);
    } catch (ExecutionException | KafkaException e) {
      Logger.getLogger(WorkerMain.class).fatalf("cannot start: %s", FailureMessage.of(e));
      System.exit(1);
    }
    Quarkus.run(arguments);
  }
}
