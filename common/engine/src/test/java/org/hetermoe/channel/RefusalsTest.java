package org.hetermoe.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.Test;

class RefusalsTest {
  @Test
  void allAreCountedAndFewAreLogged() {
    List<String> lines = new ArrayList<>();
    Handler handler = collector(lines);
    Logger logger = Logger.getLogger(Refusals.class.getName());
    logger.addHandler(handler);
    try {
      AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 5);
      Refusals refusals = new Refusals(clock::get);
      for (int i = 0; i < 1000; i++) {
        refusals.refuse(Refusal.BAD_MAGIC, "frame " + i);
      }
      refusals.refuse(Refusal.OTHER_RUN, "frame of long ago");
      assertThat(lines)
          .containsExactly(
              "refused (bad_magic): frame 0", "refused (other_run): frame of long ago");

      clock.addAndGet(Refusals.QUIET.toNanos());
      refusals.refuse(Refusal.BAD_MAGIC, "frame 1000");
      assertThat(lines.getLast())
          .isEqualTo("refused (bad_magic): frame 1000; and 999 more since the last such line");
      assertThat(refusals.count(Refusal.BAD_MAGIC)).isEqualTo(1001);
      assertThat(refusals.total()).isEqualTo(1002);
      assertThat(refusals.counts()).containsEntry(Refusal.STALE, 0L);
    } finally {
      logger.removeHandler(handler);
    }
  }

  private static Handler collector(List<String> lines) {
    SimpleFormatter formatter = new SimpleFormatter();
    return new Handler() {
      @Override
      public void publish(LogRecord entry) {
        lines.add(formatter.formatMessage(entry));
      }

      @Override
      public void flush() {}

      @Override
      public void close() {}
    };
  }
}
