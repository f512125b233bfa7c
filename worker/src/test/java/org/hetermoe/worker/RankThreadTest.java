package org.hetermoe.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.hetermoe.channel.Channel;
import org.hetermoe.compute.Devices;
import org.hetermoe.group.WorkerRank;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class RankThreadTest {
  private final List<String> heard = Collections.synchronizedList(new ArrayList<>());

  private final RankThread.Listener listener =
      new RankThread.Listener() {
        @Override
        public void prepared(RankThread thread) {
          heard.add("prepared");
        }

        @Override
        public void failed(RankThread thread, Throwable cause) {
          heard.add("failed: " + cause.getMessage());
        }

        @Override
        public void ended(RankThread thread, RankThread.End end) {
          heard.add("ended " + end.getClass().getSimpleName());
        }
      };

  /** Others lose their connection when the channel closes: they would be heard first otherwise. */
  @Test
  void aFailureIsToldBeforeTheChannelCloses() throws InterruptedException {
    RankThread thread =
        thread(
            _ -> {
              throw new IllegalStateException("loss is NaN");
            });

    thread.begin();
    thread.train();

    assertThat(thread.join(Duration.ofSeconds(20))).isTrue();
    assertThat(heard)
        .containsExactly("prepared", "failed: loss is NaN", "channel closed", "ended Broken");
  }

  @Test
  void theEndIsToldOnceEverythingIsClosed() throws InterruptedException {
    RankThread thread = thread(ScriptedTrainer.NOTHING);

    thread.begin();
    thread.train();

    assertThat(thread.join(Duration.ofSeconds(20))).isTrue();
    assertThat(heard).containsExactly("prepared", "channel closed", "ended Done");
  }

  private RankThread thread(ScriptedTrainer.Act train) {
    Channel channel =
        (Channel)
            Proxy.newProxyInstance(
                Channel.class.getClassLoader(),
                new Class<?>[] {Channel.class},
                (_, method, _) -> {
                  if (method.getName().equals("close")) {
                    heard.add("channel closed");
                  }
                  return null;
                });
    return new RankThread(
        WorkerRank.attention(0),
        channel,
        () -> Devices.open("reference", 1),
        (_, end) -> new ScriptedTrainer(end, ScriptedTrainer.NOTHING, train),
        "rank",
        listener);
  }
}
