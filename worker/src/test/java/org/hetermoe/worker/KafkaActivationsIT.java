package org.hetermoe.worker;

import static org.awaitility.Awaitility.await;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.smallrye.reactive.messaging.kafka.KafkaClientService;
import jakarta.inject.Inject;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.ChannelConformance;
import org.hetermoe.channel.ChannelGroup;
import org.hetermoe.channel.kafka.KafkaSettings;
import org.hetermoe.channel.kafka.KafkaTransport;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Topics;

/** The channel over the broker, with the messaging of the service as it is configured. */
@QuarkusTest
@QuarkusTestResource(BrokerResource.class)
class KafkaActivationsIT extends ChannelConformance {
  private static final int PARTITION = 3;

  @Inject ActivationTopic expertSide;
  @Inject AttentionTopicConsumer attentionSide;
  @Inject KafkaClientService clients;

  @Override
  protected ChannelGroup open(RunKey run, Collection<WorkerRank> members, long windowBytes) {
    await().atMost(Duration.ofSeconds(20)).until(expertSide::ready);
    clients
        .getConsumer("attention-side")
        .runOnPollingThread(
            (Function<Consumer<Object, Object>, Long>)
                client ->
                    client.position(new TopicPartition(Topics.ATTENTION_ACTIVATIONS, PARTITION)))
        .await()
        .atMost(Duration.ofSeconds(20));
    KafkaTransport transport =
        new KafkaTransport(
            expertSide, KafkaSettings.usual().withWindowBytes(windowBytes), buffers, refusals);
    expertSide.receiver(transport::deliver);
    attentionSide.receiver(transport::deliver);
    Map<WorkerRank, Integer> partitions = new HashMap<>();
    members.forEach(member -> partitions.put(member, PARTITION));
    Map<WorkerRank, Channel> channels = new HashMap<>();
    members.forEach(self -> channels.put(self, transport.open(run, self, partitions)));
    return new ChannelGroup() {
      @Override
      public Channel channel(WorkerRank member) {
        return channels.get(member);
      }

      @Override
      public void close() {
        channels.values().forEach(Channel::close);
        transport.close();
      }
    };
  }
}
