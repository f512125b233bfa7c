package org.hetermoe.coordinator;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.eclipse.microprofile.config.Config;
import org.eclipse.microprofile.config.ConfigProvider;
import org.eclipse.microprofile.config.spi.ConfigSource;
import org.hetermoe.coordinator.broker.BrokerTopics;
import org.hetermoe.coordinator.config.CoordinatorConfig;

/**
 * Starts the coordinator. The topics are created before Quarkus starts, because a consumer that
 * subscribes to a topic that is not there yet may see it minutes later.
 */
@QuarkusMain
public final class CoordinatorMain {
  private CoordinatorMain() {}

  /** Creates topics, then runs until it is told to stop. Waits for the broker. */
  public static void main(String... arguments) throws InterruptedException {
    Config config = ConfigProvider.getConfig();
    try {
      BrokerTopics.create(
          config.getValue("kafka.bootstrap.servers", String.class),
          mapped(config).getConfigMapping(CoordinatorConfig.class).topics());
    } catch (ExecutionException e) {
      System.err.println(e.getMessage());
      // Not exit: the log, which is not configured yet, would then pour out all it holds.
      Runtime.getRuntime().halt(1);
    }
    Quarkus.run(arguments);
  }

  /** The same configuration; Quarkus makes its mappings known only when it starts. */
  private static SmallRyeConfig mapped(Config config) {
    List<ConfigSource> sources = new ArrayList<>();
    config.getConfigSources().forEach(sources::add);
    return new SmallRyeConfigBuilder()
        .withSources(sources)
        .addDefaultInterceptors()
        .addDiscoveredConverters()
        .withMapping(CoordinatorConfig.class)
        .build();
  }
}
