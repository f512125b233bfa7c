package org.hetermoe.channel.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.ChannelGroup;
import org.hetermoe.channel.FrameKey;
import org.hetermoe.channel.Frames;
import org.hetermoe.channel.Refusal;
import org.hetermoe.channel.WireConformance;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Topics;
import org.hetermoe.testing.EmbeddedBroker;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KafkaChannelIT extends WireConformance {
  private static EmbeddedBroker broker;
  private static KafkaProducer<byte[], byte[]> producer;

  @BeforeAll
  static void startBroker(@TempDir Path directory) throws Exception {
    broker = EmbeddedBroker.start(directory);
    broker.createTopics(Topics.ACTIVATIONS, 8);
    producer =
        new KafkaProducer<>(
            Map.of(
                "bootstrap.servers",
                broker.address(),
                "linger.ms",
                0,
                "batch.size",
                1 << 20,
                "max.request.size",
                1 << 20),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  @AfterAll
  static void stopBroker() {
    producer.close();
    broker.close();
  }

  @Override
  protected ChannelGroup open(RunKey run, Collection<WorkerRank> members, long windowBytes) {
    return new BrokeredGroup(run, members, windowBytes);
  }

  @Override
  protected void sendFromOutside(ChannelGroup group, RunKey run, FrameKey key, WorkerRank receiver)
      throws Exception {
    try (KafkaTransport outside = transport(KafkaSettings.usual());
        Channel channel = outside.open(run, key.sender(), Map.of(receiver, EXPERT.rank()))) {
      Frames.send(channel, receiver, key, 1, 1, 1);
    }
  }

  @Test
  void rubbishOnTheTopicDoesNotDisturbARun() throws Exception {
    try (ChannelGroup group = open(newRun(), PAIR, WINDOW)) {
      publish(Topics.EXPERT_ACTIVATIONS, EXPERT.rank(), new byte[0], new byte[0]);
      publish(Topics.EXPERT_ACTIVATIONS, EXPERT.rank(), new byte[0], new byte[500]);
      await()
          .untilAsserted(
              () -> {
                assertThat(refusals.count(Refusal.TRUNCATED)).isEqualTo(1);
                assertThat(refusals.count(Refusal.BAD_MAGIC)).isEqualTo(1);
              });
      Frames.send(group.channel(ATTENTION), EXPERT, Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
      Frames.receive(group.channel(EXPERT), Frames.key(ATTENTION, 1, 0, 0), 1, 2, 3);
    }
  }

  private KafkaTransport transport(KafkaSettings settings) {
    return new KafkaTransport(KafkaChannelIT::publish, settings, buffers, refusals);
  }

  private static CompletionStage<Void> publish(
      String topic, int partition, byte[] key, byte[] value) {
    CompletableFuture<Void> taken = new CompletableFuture<>();
    var _ =
        producer.send(
            new ProducerRecord<>(topic, partition, key, value),
            (_, error) -> {
              if (error == null) {
                taken.complete(null);
              } else {
                taken.completeExceptionally(error);
              }
            });
    return taken;
  }

  /** Members with a transport and a consumer each, as if each were a process. */
  private final class BrokeredGroup implements ChannelGroup {
    private final Map<WorkerRank, Channel> channels = new HashMap<>();
    private final List<Member> consumers = new ArrayList<>();

    BrokeredGroup(RunKey run, Collection<WorkerRank> members, long windowBytes) {
      Map<WorkerRank, Integer> partitions = new HashMap<>();
      members.forEach(member -> partitions.put(member, member.rank()));
      for (WorkerRank self : members) {
        KafkaTransport transport = transport(KafkaSettings.usual().withWindowBytes(windowBytes));
        channels.put(self, transport.open(run, self, partitions));
        consumers.add(new Member(transport, self));
      }
    }

    @Override
    public Channel channel(WorkerRank member) {
      return channels.get(member);
    }

    @Override
    public void close() {
      channels.values().forEach(Channel::close);
      consumers.forEach(Member::stop);
    }
  }

  private static final class Member {
    private final KafkaTransport transport;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Thread thread;

    Member(KafkaTransport transport, WorkerRank self) {
      this.transport = transport;
      this.consumer =
          new KafkaConsumer<>(
              Map.of("bootstrap.servers", broker.address(), "fetch.max.wait.ms", 50),
              new ByteArrayDeserializer(),
              new ByteArrayDeserializer());
      TopicPartition own =
          new TopicPartition(
              self.role() == WorkerRank.Role.ATTENTION
                  ? Topics.ATTENTION_ACTIVATIONS
                  : Topics.EXPERT_ACTIVATIONS,
              self.rank());
      consumer.assign(List.of(own));
      consumer.seekToEnd(List.of(own));
      // Nobody sends before the consumer knows where it begins.
      consumer.position(own);
      this.thread = Thread.ofPlatform().name("consumer-" + self).start(this::consume);
    }

    private void consume() {
      try {
        while (true) {
          for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofSeconds(1))) {
            transport.deliver(record.value());
          }
        }
      } catch (WakeupException | InterruptedException e) {
        consumer.close();
      }
    }

    void stop() {
      transport.close();
      consumer.wakeup();
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
