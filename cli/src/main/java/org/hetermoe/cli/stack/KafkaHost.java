package org.hetermoe.cli.stack;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.tools.StorageTool;
import org.apache.kafka.common.utils.Time;

/**
 * Main class of the process that hosts the broker: formats its storage at first use, starts broker
 * and controller in one, and stops them in order when it is asked to end itself.
 */
final class KafkaHost {
  /** Any base64 text of 22 letters; the same each time, or formatting refuses what is formatted. */
  private static final String CLUSTER_ID = "hetermoe-local-stack-0";

  private KafkaHost() {}

  /** Arguments: data directory of the stack, file with the broker's properties. */
  public static void main(String[] arguments) throws Exception {
    DataDirectory data = new DataDirectory(Path.of(arguments[0]));
    Path file = Path.of(arguments[1]);
    format(file);
    KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(read(file), false), Time.SYSTEM);
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown, "kafka-shutdown"));
    server.startup();
    new ReadyFile(data.ready("kafka")).write();
    server.awaitShutdown();
  }

  private static void format(Path file) {
    int status =
        StorageTool.execute(
            new String[] {
              "format",
              "--ignore-formatted",
              "--cluster-id",
              CLUSTER_ID,
              "--config",
              file.toString()
            },
            System.out);
    if (status != 0) {
      throw new StackException("Kafka's storage cannot be formatted");
    }
  }

  private static Properties read(Path file) throws IOException {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(file)) {
      properties.load(reader);
    }
    return properties;
  }
}
