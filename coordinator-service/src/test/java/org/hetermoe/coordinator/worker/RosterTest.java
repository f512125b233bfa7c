package org.hetermoe.coordinator.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.tensor.DType;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RosterTest {
  private static final RunKey RUN = new RunKey(UUID.randomUUID(), 3);
  private static final UUID INSTANCE = UUID.randomUUID();

  private final AtomicLong clock = new AtomicLong(-5);
  private final Roster roster = new Roster(clock::get);

  @BeforeEach
  void listen() {
    roster.listen();
  }

  @Test
  void losesAWorkerAfterTenSecondsOfSilence() {
    roster.note(heartbeat(INSTANCE, RUN));

    passSeconds(10);
    assertThat(presence()).isEqualTo(Roster.Presence.PRESENT);
    assertThat(roster.live()).hasSize(1);
    clock.incrementAndGet();
    assertThat(presence()).isEqualTo(Roster.Presence.SILENT);
    assertThat(roster.live()).isEmpty();

    roster.note(heartbeat(INSTANCE, RUN));
    assertThat(presence()).isEqualTo(Roster.Presence.PRESENT);
  }

  @Test
  void givesWorkersItHasNeverHeardOfTimeOnceItListens() {
    roster.listenNoMore();
    passSeconds(100);
    assertThat(presence()).isEqualTo(Roster.Presence.PRESENT);
    roster.listen();
    passSeconds(9);
    assertThat(presence()).isEqualTo(Roster.Presence.PRESENT);
    passSeconds(2);
    assertThat(presence()).isEqualTo(Roster.Presence.SILENT);
  }

  @Test
  void countsSilenceOnlyWhileItListens() {
    roster.note(heartbeat(INSTANCE, RUN));
    passSeconds(60);
    assertThat(roster.anySilent()).isTrue();

    roster.forgiveSilence();

    passSeconds(9);
    assertThat(presence()).isEqualTo(Roster.Presence.PRESENT);
    assertThat(roster.live()).as("whom a run could be given to").isEmpty();
    passSeconds(2);
    assertThat(presence()).isEqualTo(Roster.Presence.SILENT);
  }

  @Test
  void noticesAnotherProcessAtOnce() {
    roster.note(heartbeat(INSTANCE, RUN));
    assertThat(roster.note(heartbeat(UUID.randomUUID(), RUN))).isTrue();
    assertThat(presence()).isEqualTo(Roster.Presence.REPLACED);
  }

  @Test
  void noticesThatAWorkerHasLeftTheRunForGood() {
    roster.note(heartbeat(INSTANCE, RUN));
    roster.note(heartbeat(INSTANCE, null));
    for (int second = 0; second < 10; second++) {
      passSeconds(1);
      assertThat(roster.note(heartbeat(INSTANCE, null))).as("nothing new").isFalse();
      assertThat(presence()).isEqualTo(Roster.Presence.PRESENT);
    }
    passSeconds(1);
    roster.note(heartbeat(INSTANCE, new RunKey(RUN.run(), 2)));
    assertThat(presence()).as("a change begins the time anew").isEqualTo(Roster.Presence.PRESENT);
    passSeconds(5);
    roster.note(heartbeat(INSTANCE, new RunKey(RUN.run(), 2)));
    passSeconds(6);
    assertThat(presence()).isEqualTo(Roster.Presence.ELSEWHERE);
  }

  @Test
  void tellsNewsFromRepetition() {
    assertThat(roster.note(heartbeat(INSTANCE, null))).as("a new worker").isTrue();
    assertThat(roster.note(heartbeat(INSTANCE, null))).isFalse();
    assertThat(roster.note(heartbeat(INSTANCE, RUN))).as("a run").isTrue();
    passSeconds(11);
    assertThat(roster.note(heartbeat(INSTANCE, RUN))).as("a return").isTrue();
  }

  private Roster.Presence presence() {
    return roster.presence("expert-1", INSTANCE, RUN);
  }

  private void passSeconds(int seconds) {
    clock.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
  }

  private static Heartbeat heartbeat(UUID instance, RunKey run) {
    return new Heartbeat(
        "expert-1",
        instance,
        WorkerRank.Role.EXPERT,
        "127.0.0.1",
        4000,
        1,
        "http://127.0.0.1:1/",
        "cpu",
        List.of(DType.F32),
        "test",
        run == null ? null : run.run(),
        run == null ? 0 : run.attempt(),
        0);
  }
}
