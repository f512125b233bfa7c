package org.hetermoe.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.compute.Devices;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.worker.ScriptedMember.Act;
import org.hetermoe.worker.SessionState.Idle;
import org.hetermoe.worker.SessionState.Prepared;
import org.hetermoe.worker.SessionState.Preparing;
import org.hetermoe.worker.SessionState.Training;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class RunSessionTest {
  private static final WorkerRank ATTENTION = WorkerRank.attention(0);
  private static final WorkerRank EXPERT = WorkerRank.expert(0);

  private final UUID instance = UUID.randomUUID();
  private final UUID run = UUID.randomUUID();
  private final RecordedReports reports = new RecordedReports();
  private final BlockingQueue<ScriptedMember> members = new LinkedBlockingQueue<>();
  private final FrameBuffers buffers = new FrameBuffers();
  private Act prepare = ScriptedMember.NOTHING;
  private Act train = ScriptedMember.NOTHING;
  private IOException channelProblem;
  private final RunSession session = new RunSession(instance, "test-0", this::make, reports);

  @AfterEach
  void everythingIsClosed() throws InterruptedException {
    session.close();
    for (ScriptedMember member : members) {
      assertThat(member.closed.await(5, TimeUnit.SECONDS)).as("member is closed").isTrue();
    }
    assertThat(buffers.outstanding()).isZero();
    buffers.close();
  }

  @Test
  void aRunIsPreparedTrainedAndFinished() throws InterruptedException {
    train = member -> member.reach(7);

    session.handle(prepare(run, 1, ATTENTION));
    assertThat(reports.next()).isEqualTo(new Event.Prepared(run, 1, "test-0"));
    assertThat(session.state()).isInstanceOf(Prepared.class);
    session.handle(new Command.Start(instance, run, 1));

    assertThat(reports.next()).isEqualTo(new Event.Finished(run, 1, "test-0", 7, false));
    assertThat(session.state()).isInstanceOf(Idle.class);
    assertThat(members.element().closed.getCount()).isZero();
  }

  @Test
  void aProcessReportsOnceForAllItsMembers() throws InterruptedException {
    prepare = member -> member.mayPrepare.await();
    train = member -> member.reach(3);

    session.handle(prepare(run, 1, ATTENTION, EXPERT));
    await().until(() -> members.size() == 2);
    List<ScriptedMember> both = List.copyOf(members);
    ScriptedMember first = both.getFirst();
    ScriptedMember second = both.getLast();
    first.mayPrepare.countDown();
    first.preparing.await();
    assertThat(session.state()).isInstanceOf(Preparing.class);
    reports.assertNoMore();
    second.mayPrepare.countDown();
    assertThat(reports.next()).isInstanceOf(Event.Prepared.class);
    session.handle(new Command.Start(instance, run, 1));

    assertThat(reports.next()).isEqualTo(new Event.Finished(run, 1, "test-0", 3, false));
    idle();
    reports.assertNoMore();
  }

  @Test
  void aMemberThatCannotPrepareFailsTheRun() throws InterruptedException {
    prepare =
        _ -> {
          throw new IllegalStateException("cannot prepare", new IOException("no file /x"));
        };

    session.handle(prepare(run, 4, EXPERT));

    assertThat(reports.next())
        .isEqualTo(
            new Event.Failed(run, 4, "test-0", "expert-0 failed: cannot prepare: no file /x"));
    idle();
  }

  @Test
  void aMemberThatFailsInTrainingTakesTheOthersWithItAndIsReportedOnce()
      throws InterruptedException {
    train =
        member -> {
          if (members.element() == member) {
            throw new IllegalArgumentException("loss is NaN");
          }
          ScriptedMember.waitForPeer(member);
        };

    startTraining(prepare(run, 1, ATTENTION, EXPERT));

    assertThat(reports.next())
        .isInstanceOfSatisfying(
            Event.Failed.class, failed -> assertThat(failed.reason()).contains("loss is NaN"));
    idle();
    reports.assertNoMore();
  }

  @Test
  void errorsAreReportedLikeExceptions() throws InterruptedException {
    prepare =
        _ -> {
          throw new OutOfMemoryError("Java heap space");
        };

    session.handle(prepare(run, 1, ATTENTION));

    assertThat(reports.next())
        .isInstanceOfSatisfying(
            Event.Failed.class, failed -> assertThat(failed.reason()).contains("Java heap space"));
    idle();
  }

  @Test
  void anAbortFreesMembersThatWaitForPeers() throws InterruptedException {
    train = ScriptedMember::waitForPeer;
    startTraining(prepare(run, 1, ATTENTION, EXPERT));
    for (ScriptedMember member : members) {
      member.training.await();
    }

    session.handle(new Command.Abort(instance, run, 1, "expert-1 is lost"));

    idle();
    reports.assertNoMore();
  }

  @Test
  void anAbortFreesMembersThatPrepare() throws InterruptedException {
    prepare = member -> member.mayPrepare.await();
    session.handle(prepare(run, 1, ATTENTION));
    member().preparing.await();

    session.handle(new Command.Abort(instance, run, 1, "cancelled"));

    idle();
    reports.assertNoMore();
  }

  @Test
  void anAbortFreesMembersThatWaitForTheStart() throws InterruptedException {
    session.handle(prepare(run, 1, ATTENTION));
    assertThat(reports.next()).isInstanceOf(Event.Prepared.class);

    session.handle(new Command.Abort(instance, run, 1, "cancelled"));

    idle();
    assertThat(members.element().training.getCount()).isOne();
    reports.assertNoMore();
  }

  @Test
  void lateAndRepeatedCommandsDoNothing() throws InterruptedException {
    train = member -> member.mayFinish.await();
    Command.Prepare prepare = prepare(run, 3, ATTENTION);
    startTraining(prepare);

    session.handle(prepare);
    session.handle(prepare(run, 2, ATTENTION));
    session.handle(new Command.Start(instance, run, 3));
    session.handle(new Command.Stop(instance, run, 2));
    session.handle(new Command.Abort(instance, run, 2, "old"));
    session.handle(new Command.Abort(instance, UUID.randomUUID(), 3, "other"));
    member().mayFinish.countDown();

    assertThat(reports.next()).isEqualTo(new Event.Finished(run, 3, "test-0", 0, false));
    session.handle(prepare);
    session.handle(new Command.Abort(instance, run, 3, "late"));
    session.handle(new Command.Start(instance, run, 3));
    idle();
    assertThat(members).hasSize(1);
    reports.assertNoMore();
  }

  @Test
  void aNewerAttemptTakesOver() throws InterruptedException {
    train = ScriptedMember::waitForPeer;
    startTraining(prepare(run, 1, ATTENTION, EXPERT));

    session.handle(prepare(run, 2, ATTENTION, EXPERT));

    assertThat(reports.next()).isEqualTo(new Event.Prepared(run, 2, "test-0"));
    assertThat(members).hasSize(4);
  }

  @Test
  void anAbortTakesBackWhatWasToComeNext() throws InterruptedException {
    train = member -> member.mayFinish.await();
    startTraining(prepare(run, 1, ATTENTION));

    session.handle(prepare(run, 2, ATTENTION));
    session.handle(new Command.Abort(instance, run, 2, "cancelled"));

    idle();
    assertThat(members).hasSize(1);
    reports.assertNoMore();
  }

  @Test
  void aBusyWorkerRefusesAnotherRunAndGoesOn() throws InterruptedException {
    train = member -> member.mayFinish.await();
    startTraining(prepare(run, 1, ATTENTION));
    UUID other = UUID.randomUUID();

    session.handle(prepare(other, 1, ATTENTION));

    assertThat(reports.next())
        .isEqualTo(new Event.Failed(other, 1, "test-0", "worker test-0 is busy with run " + run));
    assertThat(session.state()).isInstanceOf(Training.class);
    member().mayFinish.countDown();
    assertThat(reports.next()).isInstanceOf(Event.Finished.class);
  }

  @Test
  void anAbortedWorkerTakesTheNextRun() throws InterruptedException {
    train = ScriptedMember::waitForPeer;
    startTraining(prepare(run, 1, ATTENTION, EXPERT));
    UUID next = UUID.randomUUID();

    session.handle(new Command.Abort(instance, run, 1, "cancelled"));
    session.handle(prepare(next, 1, ATTENTION, EXPERT));

    assertThat(reports.next()).isEqualTo(new Event.Prepared(next, 1, "test-0"));
  }

  @Test
  void aStopReachesTheMembers() throws InterruptedException {
    train =
        member -> {
          member.reach(2);
          member.stopped.await();
        };
    startTraining(prepare(run, 1, ATTENTION));

    session.handle(new Command.Stop(instance, run, 1));

    assertThat(reports.next()).isEqualTo(new Event.Finished(run, 1, "test-0", 2, true));
  }

  @Test
  void aStopThatComesWhileMembersPrepareIsRemembered() throws InterruptedException {
    prepare = member -> member.mayPrepare.await();
    session.handle(prepare(run, 1, ATTENTION));
    session.handle(new Command.Stop(instance, run, 1));
    ScriptedMember member = member();
    member.preparing.await();

    assertThat(member.stopped.await(5, TimeUnit.SECONDS)).isTrue();

    member.mayPrepare.countDown();
    assertThat(reports.next()).isInstanceOf(Event.Prepared.class);
  }

  @Test
  void aChannelThatCannotBeOpenedFailsTheRun() throws InterruptedException {
    channelProblem = new IOException("channel 'memory' needs all members in one process");

    session.handle(prepare(run, 1, ATTENTION));

    assertThat(reports.next())
        .isEqualTo(new Event.Failed(run, 1, "test-0", channelProblem.getMessage()));
    idle();
  }

  @Test
  void anAssignmentWithoutThisProcessFails() throws InterruptedException {
    Assignment others = Assignments.of(run, 1, "memory", UUID.randomUUID(), ATTENTION);

    session.handle(new Command.Prepare(instance, others));

    assertThat(reports.next()).isInstanceOf(Event.Failed.class);
    idle();
  }

  @Test
  void shutdownLeavesTheRunAndSaysSo() throws InterruptedException {
    train = ScriptedMember::waitForPeer;
    startTraining(prepare(run, 1, ATTENTION, EXPERT));

    session.close();

    assertThat(reports.next())
        .isEqualTo(new Event.Failed(run, 1, "test-0", "worker is shutting down"));
    for (ScriptedMember member : members) {
      assertThat(member.closed.getCount()).as("closed when close() returns").isZero();
    }
    reports.assertNoMore();
  }

  private ScriptedMember member() {
    await().until(() -> !members.isEmpty());
    return members.element();
  }

  private void startTraining(Command.Prepare prepare) throws InterruptedException {
    session.handle(prepare);
    assertThat(reports.next()).isInstanceOf(Event.Prepared.class);
    session.handle(new Command.Start(instance, prepare.run(), prepare.attempt()));
    await().until(() -> session.state() instanceof Training || session.state() instanceof Idle);
  }

  private Command.Prepare prepare(UUID id, int attempt, WorkerRank... peers) {
    return new Command.Prepare(instance, Assignments.of(id, attempt, "memory", instance, peers));
  }

  private void idle() {
    await()
        .atMost(Duration.ofSeconds(5))
        .pollInterval(Duration.ofMillis(5))
        .until(() -> session.state() instanceof Idle);
  }

  private List<MemberThread> make(
      Assignment assignment, List<Assignment.Member> local, MemberThread.Listener listener)
      throws IOException {
    if (channelProblem != null) {
      throw channelProblem;
    }
    List<WorkerRank> peers = local.stream().map(Assignment.Member::peer).toList();
    MemoryChannels channels =
        new MemoryChannels(
            new RunKey(assignment.run(), assignment.attempt()), peers, buffers, new Refusals());
    List<MemberThread> threads = new ArrayList<>();
    for (WorkerRank peer : peers) {
      threads.add(
          new MemberThread(
              peer,
              channels.channel(peer),
              () -> Devices.open("reference", 1),
              (_, channel) -> {
                ScriptedMember member = new ScriptedMember(channel, prepare, train);
                members.add(member);
                return member;
              },
              peer.toString(),
              listener));
    }
    return threads;
  }
}
