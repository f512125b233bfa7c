package org.hetermoe.worker;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.hetermoe.run.Json;

/** Stands where the coordinator stands: reads topics from now on, and writes. */
final class TopicTap implements AutoCloseable {
  private final Map<String, BlockingQueue<byte[]>> queues = new HashMap<>();
  private final Map<String, byte[]> latest = new ConcurrentHashMap<>();
  private final KafkaProducer<byte[], byte[]> producer;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Thread reader;

  TopicTap(String servers, String... topics) {
    Map<String, Object> properties = Map.of("bootstrap.servers", servers);
    producer =
        new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    consumer =
        new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    List<TopicPartition> partitions =
        Arrays.stream(topics).map(topic -> new TopicPartition(topic, 0)).toList();
    for (String topic : topics) {
      queues.put(topic, new LinkedBlockingQueue<>());
    }
    consumer.assign(partitions);
    consumer.seekToEnd(partitions);
    partitions.forEach(consumer::position);
    reader = Thread.ofPlatform().daemon().name("topic-tap").start(this::read);
  }

  void send(String topic, byte[] content) {
    try {
      producer.send(new ProducerRecord<>(topic, 0, null, content)).get();
    } catch (InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  /** The next record of a topic; at most 10 s. */
  <T> T next(String topic, Class<T> type) throws IOException {
    try {
      byte[] content = queues.get(topic).poll(10, TimeUnit.SECONDS);
      if (content == null) {
        throw new AssertionError("nothing came on " + topic + " within 10 s");
      }
      return Json.MAPPER.readValue(content, type);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** The latest record of a topic; waits for the first one, at most 10 s. */
  <T> T latest(String topic, Class<T> type) throws IOException {
    return latest.containsKey(topic)
        ? Json.MAPPER.readValue(latest.get(topic), type)
        : next(topic, type);
  }

  @Override
  public void close() {
    consumer.wakeup();
    try {
      reader.join();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    producer.close();
  }

  private void read() {
    try (consumer) {
      while (true) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
          latest.put(record.topic(), record.value());
          queues.get(record.topic()).add(record.value());
        }
      }
    } catch (WakeupException e) {
      return;
    }
  }
}
