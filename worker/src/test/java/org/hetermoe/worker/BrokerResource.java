package org.hetermoe.worker;

import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import org.hetermoe.run.Topics;
import org.hetermoe.testing.EmbeddedBroker;

/** A real broker with the topics that the coordinator would create. */
public final class BrokerResource implements QuarkusTestResourceLifecycleManager {
  /** A worker of partition 3 needs four; more only take time. */
  private static final int PARTITIONS = 4;

  private Path directory;
  private EmbeddedBroker broker;

  @Override
  public Map<String, String> start() {
    try {
      directory = Files.createTempDirectory("hetermoe-broker");
      broker = EmbeddedBroker.start(directory);
      broker.createTopics(Topics.CONTROL, 1);
      broker.createTopics(Topics.ACTIVATIONS, PARTITIONS);
      return Map.of("kafka.bootstrap.servers", broker.address());
    } catch (Exception e) {
      throw new IllegalStateException("the broker does not start", e);
    }
  }

  @Override
  public void stop() {
    if (broker != null) {
      broker.close();
    }
    try {
      Files.walkFileTree(directory, new Deletion());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static final class Deletion extends SimpleFileVisitor<Path> {
    @Override
    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
      Files.delete(file);
      return FileVisitResult.CONTINUE;
    }

    @Override
    public FileVisitResult postVisitDirectory(Path folder, IOException problem) throws IOException {
      Files.delete(folder);
      return FileVisitResult.CONTINUE;
    }
  }
}
