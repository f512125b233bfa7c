package org.hetermoe.coordinator;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import io.smallrye.config.SmallRyeConfig;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.eclipse.microprofile.config.ConfigProvider;
import org.hetermoe.coordinator.broker.BrokerTopics;
import org.jboss.logging.Logger;

/**
 * Starts the coordinator. The topics are created before Quarkus starts, because a consumer that
 * subscribes to a topic that is not there yet sees it minutes later.
 */
@QuarkusMain
public final class CoordinatorMain {
  private CoordinatorMain() {}

  /** Creates topics, then runs until it is told to stop. Exits with 1 where there is no broker. */
  public static void main(String... arguments) throws InterruptedException {
    SmallRyeConfig config = ConfigProvider.getConfig().unwrap(SmallRyeConfig.class);
    CoordinatorConfig.Topics topics = config.getConfigMapping(CoordinatorConfig.class).topics();
    String servers = config.getValue("kafka.bootstrap.servers", String.class);
    try {
      BrokerTopics.create(servers, topics);
    } catch (TimeoutException | ExecutionException e) {
      Logger.getLogger(CoordinatorMain.class).fatal(e.getMessage(), e.getCause());
      System.exit(1);
    }
    Quarkus.run(arguments);
  }
}
