package org.hetermoe.coordinator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.Json;
import org.hetermoe.run.LinkMeasurement;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.Topics;
import org.hetermoe.run.WorkerLoad;
import org.hetermoe.run.WorkerProfile;
import org.hetermoe.tensor.DType;

/**
 * A worker as the coordinator sees it: it speaks over the real topics, and does what a test says.
 */
public final class WorkerDouble implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final long INTERVAL_MILLIS = 500;

  private final String id;
  private final WorkerRank.Role role;
  private final int partition;
  private final KafkaProducer<String, byte[]> producer;
  private final List<Command> commands = new CopyOnWriteArrayList<>();
  private final Thread listener;
  private final Thread heart;
  private volatile UUID instance = UUID.randomUUID();
  private volatile boolean closed;
  private volatile boolean silent;
  private volatile String device = "reference";
  private volatile UUID run;
  private volatile int attempt;

  /** A worker that lives from now on. */
  public WorkerDouble(String servers, WorkerRank.Role role, String id, int partition) {
    this.id = id;
    this.role = role;
    this.partition = partition;
    this.producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", servers, "linger.ms", 0),
            new StringSerializer(),
            new ByteArraySerializer());
    KafkaConsumer<String, byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", servers),
            new StringDeserializer(),
            new ByteArrayDeserializer());
    TopicPartition topic = new TopicPartition(Topics.COMMANDS, 0);
    consumer.assign(List.of(topic));
    consumer.seekToEnd(List.of(topic));
    consumer.position(topic);
    this.listener = Thread.ofVirtual().start(() -> listen(consumer));
    this.heart = Thread.ofVirtual().start(this::beat);
  }

  /** Its stable id. */
  public String id() {
    return id;
  }

  /** The process that it plays. */
  public UUID instance() {
    return instance;
  }

  /** Waits for a command of a kind and an attempt. */
  public <C extends Command> C await(Class<C> kind, UUID ofRun, int ofAttempt) {
    org.awaitility.Awaitility.await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(20))
        .untilAsserted(() -> assertThat(commands(kind, ofRun, ofAttempt)).isNotEmpty());
    return commands(kind, ofRun, ofAttempt).getFirst();
  }

  /** Commands of a kind and an attempt that have come so far. */
  public <C extends Command> List<C> commands(Class<C> kind, UUID ofRun, int ofAttempt) {
    return commands.stream()
        .filter(command -> command.run().equals(ofRun) && command.attempt() == ofAttempt)
        .filter(kind::isInstance)
        .map(kind::cast)
        .toList();
  }

  /** Waits to be told to prepare, and works on that run from then on. */
  public Command.Prepare takeUp(UUID ofRun, int ofAttempt) {
    Command.Prepare prepare = await(Command.Prepare.class, ofRun, ofAttempt);
    run = ofRun;
    attempt = ofAttempt;
    sendHeartbeat();
    return prepare;
  }

  /** Takes up a run and reports that it is prepared. */
  public Command.Prepare prepare(UUID ofRun, int ofAttempt) {
    Command.Prepare prepare = takeUp(ofRun, ofAttempt);
    report(new Event.Prepared(ofRun, ofAttempt, id));
    return prepare;
  }

  /** Reports something. */
  public void report(Event event) {
    send(Topics.EVENTS, event.run().toString(), json(Event.class, event));
  }

  /** Reports that it has finished and is idle again. */
  public void finish(int steps, boolean stopped) {
    report(new Event.Finished(run, attempt, id, steps, stopped));
    rest();
  }

  /** Is idle from now on. */
  public void rest() {
    run = null;
    attempt = 0;
    sendHeartbeat();
  }

  /** Reports a step of an attempt, with a loss that tells both. */
  public void step(UUID ofRun, int ofAttempt, int step, Double evaluationLoss) {
    step(ofRun, ofAttempt, step, evaluationLoss, null, null);
  }

  /** Reports a step of an attempt, and per layer the rows of each expert. */
  public void stepWithRows(UUID ofRun, int ofAttempt, int step, List<List<Long>> expertRows) {
    step(ofRun, ofAttempt, step, null, List.of(), expertRows);
  }

  private void step(
      UUID ofRun,
      int ofAttempt,
      int step,
      Double evaluationLoss,
      List<WorkerLoad> loads,
      List<List<Long>> expertRows) {
    StepMetrics metrics =
        new StepMetrics(
            ofRun,
            ofAttempt,
            step,
            10.0 * ofAttempt + 1.0 / step,
            5.5,
            1.25,
            0.5,
            0.75,
            1e-3,
            1024,
            0.5,
            2048,
            0.75,
            0.625,
            evaluationLoss,
            loads,
            expertRows,
            null,
            Instant.now().truncatedTo(ChronoUnit.MICROS));
    send(Topics.METRICS, ofRun.toString(), json(StepMetrics.class, metrics));
  }

  /** Computes on another device from now on. */
  public void computeOn(String other) {
    device = other;
    sendHeartbeat();
  }

  /** Reports the profile of a device that goes by this worker's description. */
  public void profile(WorkerProfile profile) {
    send(Topics.PROFILES, profile.device(), json(WorkerProfile.class, profile));
  }

  /** Reports that it has measured its link with another, both ways alike. */
  public void measured(WorkerDouble other, double bytesPerSecond, double latencySeconds) {
    Instant now = Instant.now().truncatedTo(ChronoUnit.MICROS);
    for (LinkMeasurement link :
        List.of(
            new LinkMeasurement(id, other.id, bytesPerSecond, latencySeconds, now),
            new LinkMeasurement(other.id, id, bytesPerSecond, latencySeconds, now))) {
      send(Topics.LINKS, id, json(LinkMeasurement.class, link));
    }
  }

  /** Sends bytes that are no message. */
  public void sendGarbage(String topic, String content) {
    send(topic, "garbage", content.getBytes(StandardCharsets.UTF_8));
  }

  /** Sends no heartbeats any more. */
  public void fallSilent() {
    silent = true;
  }

  /** Becomes another process under the same id. */
  public void restart() {
    instance = UUID.randomUUID();
    rest();
  }

  /** Leaves for good; its last heartbeat claims to be busy, so that no other test gets it. */
  @Override
  public void close() {
    closed = true;
    listener.interrupt();
    heart.interrupt();
    run = UUID.randomUUID();
    attempt = 1;
    silent = false;
    sendHeartbeat();
    producer.close();
  }

  private void beat() {
    try {
      while (!closed) {
        if (!silent) {
          sendHeartbeat();
        }
        Thread.sleep(INTERVAL_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void sendHeartbeat() {
    Heartbeat heartbeat =
        new Heartbeat(
            id,
            instance,
            role,
            "127.0.0.1",
            40_000 + partition,
            partition,
            "http://127.0.0.1:1/",
            device,
            List.of(DType.F32),
            "test",
            run,
            attempt,
            0);
    send(Topics.HEARTBEATS, id, json(Heartbeat.class, heartbeat));
  }

  private void listen(KafkaConsumer<String, byte[]> consumer) {
    try (consumer) {
      while (!closed) {
        for (ConsumerRecord<String, byte[]> message : consumer.poll(Duration.ofMillis(100))) {
          Command command = Json.MAPPER.readValue(message.value(), Command.class);
          if (command.instance().equals(instance)) {
            assertThat(message.key()).isEqualTo(instance.toString());
            commands.add(command);
          }
        }
      }
    } catch (org.apache.kafka.common.errors.InterruptException e) {
      assertThat(closed).as("interrupted only by close").isTrue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void send(String topic, String key, byte[] value) {
    Future<RecordMetadata> sent = producer.send(new ProducerRecord<>(topic, key, value));
    try {
      sent.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("could not send to " + topic, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static byte[] json(Class<?> type, Object message) {
    try {
      return Json.MAPPER.writerFor(type).writeValueAsBytes(message);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
