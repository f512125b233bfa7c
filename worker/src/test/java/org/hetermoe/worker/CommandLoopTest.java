package org.hetermoe.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.hetermoe.channel.Channel;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.compute.Devices;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Command;
import org.hetermoe.run.Event;
import org.hetermoe.run.FailureKind;
import org.hetermoe.worker.ScriptedTrainer.Act;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class CommandLoopTest {
  private static final WorkerRank ATTENTION = WorkerRank.attention(0);
  private static final WorkerRank EXPERT = WorkerRank.expert(0);

  private final UUID instance = UUID.randomUUID();
  private final UUID run = UUID.randomUUID();
  private final RecordedReports reports = new RecordedReports();
  private final BlockingQueue<ScriptedTrainer> members = new LinkedBlockingQueue<>();
  private final FrameBuffers buffers = new FrameBuffers();
  private Act prepare = ScriptedTrainer.NOTHING;
  private Act train = ScriptedTrainer.NOTHING;
  private IOException channelProblem;

  /** The channel of the group's last member, where that lives in another process. */
  private Channel elsewhere;

  private final CommandLoop commands = new CommandLoop(instance, "test-0", this::make, reports);

  @AfterEach
  void everythingIsClosed() throws InterruptedException {
    commands.close();
    for (ScriptedTrainer member : members) {
      assertThat(member.closed.await(5, TimeUnit.SECONDS)).as("member is closed").isTrue();
    }
    assertThat(buffers.outstanding()).isZero();
    buffers.close();
  }

  @Test
  void aRunIsPreparedTrainedAndFinished() throws InterruptedException {
    train = member -> member.reach(7);

    commands.handle(prepare(run, 1, ATTENTION));
    assertThat(reports.next()).isEqualTo(new Event.Prepared(run, 1, "test-0"));
    assertThat(commands.label()).isEqualTo("prepared");
    commands.handle(new Command.Start(instance, run, 1));

    assertThat(reports.next()).isEqualTo(new Event.Finished(run, 1, "test-0", 7, false));
    assertThat(commands.label()).isEqualTo("idle");
    assertThat(members.element().closed.getCount()).isZero();
  }

  @Test
  void aProcessReportsOnceForAllItsMembers() throws InterruptedException {
    prepare = member -> member.mayPrepare.await();
    train = member -> member.reach(3);

    commands.handle(prepare(run, 1, ATTENTION, EXPERT));
    await().until(() -> members.size() == 2);
    List<ScriptedTrainer> both = List.copyOf(members);
    ScriptedTrainer first = both.getFirst();
    ScriptedTrainer second = both.getLast();
    first.mayPrepare.countDown();
    first.preparing.await();
    assertThat(commands.label()).isEqualTo("preparing");
    reports.assertNoMore();
    second.mayPrepare.countDown();
    assertThat(reports.next()).isInstanceOf(Event.Prepared.class);
    commands.handle(new Command.Start(instance, run, 1));

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

    commands.handle(prepare(run, 4, EXPERT));

    assertThat(reports.next())
        .isEqualTo(
            new Event.Failed(run, 4, "test-0", FailureKind.DATA, "cannot prepare: no file /x"));
    idle();
  }

  @Test
  void whereSeveralRanksLiveInAProcessTheReasonNamesTheOneThatFailed() throws InterruptedException {
    prepare =
        member -> {
          if (member.rank().equals(EXPERT)) {
            throw new IllegalStateException("no file /x");
          }
          member.mayPrepare.await();
        };

    commands.handle(prepare(run, 1, ATTENTION, EXPERT));

    assertThat(reports.next())
        .isEqualTo(
            new Event.Failed(run, 1, "test-0", FailureKind.SOFTWARE, "expert-0: no file /x"));
    idle();
  }

  /** The coordinator says "attention worker attention-0 failed: " before it. */
  @Test
  void aLostConnectionIsReportedWithoutNamingTheWorkerAgain() throws InterruptedException {
    prepare = member -> member.mayPrepare.await();
    train = ScriptedTrainer::waitForPeer;
    Assignment.Member self =
        new Assignment.Member(ATTENTION, "test-0", instance, "127.0.0.1", 1, 0);
    Assignment.Member other =
        new Assignment.Member(EXPERT, "test-1", UUID.randomUUID(), "127.0.0.1", 1, 0);

    commands.handle(
        new Command.Prepare(instance, Assignments.of(run, 1, "memory", List.of(self, other))));
    member().mayPrepare.countDown();
    assertThat(reports.next()).isInstanceOf(Event.Prepared.class);
    commands.handle(new Command.Start(instance, run, 1));
    member().training.await();
    elsewhere.close();

    assertThat(reports.next())
        .isInstanceOfSatisfying(
            Event.Failed.class,
            failed -> {
              assertThat(failed.reason()).startsWith("lost its connection to expert-0");
              assertThat(failed.kind()).isEqualTo(FailureKind.PEER);
              assertThat(failed.peer()).isEqualTo("expert-0");
            });
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
          ScriptedTrainer.waitForPeer(member);
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

    commands.handle(prepare(run, 1, ATTENTION));

    assertThat(reports.next())
        .isInstanceOfSatisfying(
            Event.Failed.class,
            failed -> {
              assertThat(failed.reason()).contains("Java heap space");
              assertThat(failed.kind()).isEqualTo(FailureKind.MEMORY);
              assertThat(failed.peer()).isNull();
            });
    idle();
  }

  @Test
  void anAbortFreesMembersThatWaitForPeers() throws InterruptedException {
    train = ScriptedTrainer::waitForPeer;
    startTraining(prepare(run, 1, ATTENTION, EXPERT));
    for (ScriptedTrainer member : members) {
      member.training.await();
    }

    commands.handle(new Command.Abort(instance, run, 1, "expert-1 is lost"));

    idle();
    reports.assertNoMore();
  }

  @Test
  void anAbortFreesMembersThatPrepare() throws InterruptedException {
    prepare = member -> member.mayPrepare.await();
    commands.handle(prepare(run, 1, ATTENTION));
    member().preparing.await();

    commands.handle(new Command.Abort(instance, run, 1, "cancelled"));

    idle();
    reports.assertNoMore();
  }

  @Test
  void anAbortFreesMembersThatWaitForTheStart() throws InterruptedException {
    commands.handle(prepare(run, 1, ATTENTION));
    assertThat(reports.next()).isInstanceOf(Event.Prepared.class);

    commands.handle(new Command.Abort(instance, run, 1, "cancelled"));

    idle();
    assertThat(members.element().training.getCount()).isOne();
    reports.assertNoMore();
  }

  @Test
  void lateAndRepeatedCommandsDoNothing() throws InterruptedException {
    train = member -> member.mayFinish.await();
    Command.Prepare prepare = prepare(run, 3, ATTENTION);
    startTraining(prepare);

    commands.handle(prepare);
    commands.handle(prepare(run, 2, ATTENTION));
    commands.handle(new Command.Start(instance, run, 3));
    commands.handle(new Command.Stop(instance, run, 2));
    commands.handle(new Command.Abort(instance, run, 2, "old"));
    commands.handle(new Command.Abort(instance, UUID.randomUUID(), 3, "other"));
    member().mayFinish.countDown();

    assertThat(reports.next()).isEqualTo(new Event.Finished(run, 3, "test-0", 0, false));
    commands.handle(prepare);
    commands.handle(new Command.Abort(instance, run, 3, "late"));
    commands.handle(new Command.Start(instance, run, 3));
    idle();
    assertThat(members).hasSize(1);
    reports.assertNoMore();
  }

  @Test
  void aNewerAttemptTakesOver() throws InterruptedException {
    train = ScriptedTrainer::waitForPeer;
    startTraining(prepare(run, 1, ATTENTION, EXPERT));

    commands.handle(prepare(run, 2, ATTENTION, EXPERT));

    assertThat(reports.next()).isEqualTo(new Event.Prepared(run, 2, "test-0"));
    assertThat(members).hasSize(4);
  }

  @Test
  void anAbortTakesBackWhatWasToComeNext() throws InterruptedException {
    train = member -> member.mayFinish.await();
    startTraining(prepare(run, 1, ATTENTION));

    commands.handle(prepare(run, 2, ATTENTION));
    commands.handle(new Command.Abort(instance, run, 2, "cancelled"));

    idle();
    assertThat(members).hasSize(1);
    reports.assertNoMore();
  }

  @Test
  void aBusyWorkerRefusesAnotherRunAndGoesOn() throws InterruptedException {
    train = member -> member.mayFinish.await();
    startTraining(prepare(run, 1, ATTENTION));
    UUID other = UUID.randomUUID();

    commands.handle(prepare(other, 1, ATTENTION));

    assertThat(reports.next())
        .isEqualTo(
            new Event.Failed(
                other, 1, "test-0", FailureKind.WORKER, "worker test-0 is busy with run " + run));
    assertThat(commands.label()).isEqualTo("training");
    member().mayFinish.countDown();
    assertThat(reports.next()).isInstanceOf(Event.Finished.class);
  }

  @Test
  void anAbortedWorkerTakesTheNextRun() throws InterruptedException {
    train = ScriptedTrainer::waitForPeer;
    startTraining(prepare(run, 1, ATTENTION, EXPERT));
    UUID next = UUID.randomUUID();

    commands.handle(new Command.Abort(instance, run, 1, "cancelled"));
    commands.handle(prepare(next, 1, ATTENTION, EXPERT));

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

    commands.handle(new Command.Stop(instance, run, 1));

    assertThat(reports.next()).isEqualTo(new Event.Finished(run, 1, "test-0", 2, true));
  }

  @Test
  void aStopThatComesWhileMembersPrepareIsRemembered() throws InterruptedException {
    prepare = member -> member.mayPrepare.await();
    commands.handle(prepare(run, 1, ATTENTION));
    commands.handle(new Command.Stop(instance, run, 1));
    ScriptedTrainer member = member();
    member.preparing.await();

    assertThat(member.stopped.await(5, TimeUnit.SECONDS)).isTrue();

    member.mayPrepare.countDown();
    assertThat(reports.next()).isInstanceOf(Event.Prepared.class);
  }

  @Test
  void aChannelThatCannotBeOpenedFailsTheRun() throws InterruptedException {
    channelProblem = new IOException("channel 'memory' needs all members in one process");

    commands.handle(prepare(run, 1, ATTENTION));

    assertThat(reports.next())
        .isEqualTo(
            new Event.Failed(run, 1, "test-0", FailureKind.PEER, channelProblem.getMessage()));
    idle();
  }

  @Test
  void anAssignmentWithoutThisProcessFails() throws InterruptedException {
    Assignment others = Assignments.of(run, 1, "memory", UUID.randomUUID(), ATTENTION);

    commands.handle(new Command.Prepare(instance, others));

    assertThat(reports.next()).isInstanceOf(Event.Failed.class);
    idle();
  }

  @Test
  void shutdownLeavesTheRunAndSaysSo() throws InterruptedException {
    train = ScriptedTrainer::waitForPeer;
    startTraining(prepare(run, 1, ATTENTION, EXPERT));

    commands.close();

    assertThat(reports.next())
        .isEqualTo(
            new Event.Failed(run, 1, "test-0", FailureKind.WORKER, "worker is shutting down"));
    for (ScriptedTrainer member : members) {
      assertThat(member.closed.getCount()).as("closed when close() returns").isZero();
    }
    reports.assertNoMore();
  }

  private ScriptedTrainer member() {
    await().until(() -> !members.isEmpty());
    return members.element();
  }

  private void startTraining(Command.Prepare prepare) throws InterruptedException {
    commands.handle(prepare);
    assertThat(reports.next()).isInstanceOf(Event.Prepared.class);
    commands.handle(new Command.Start(instance, prepare.run(), prepare.attempt()));
    await().until(() -> Set.of("training", "idle").contains(commands.label()));
  }

  private Command.Prepare prepare(UUID id, int attempt, WorkerRank... peers) {
    return new Command.Prepare(instance, Assignments.of(id, attempt, "memory", instance, peers));
  }

  private void idle() {
    await()
        .atMost(Duration.ofSeconds(5))
        .pollInterval(Duration.ofMillis(5))
        .until(() -> commands.current().isEmpty());
  }

  private List<RankThread> make(
      Assignment assignment, List<WorkerRank> local, RankThread.Listener listener)
      throws IOException {
    if (channelProblem != null) {
      throw channelProblem;
    }
    List<WorkerRank> all = assignment.members().stream().map(Assignment.Member::peer).toList();
    MemoryChannels channels =
        new MemoryChannels(
            new RunKey(assignment.run(), assignment.attempt()), all, buffers, new Refusals());
    elsewhere = channels.channel(all.getLast());
    List<RankThread> threads = new ArrayList<>();
    for (WorkerRank peer : local) {
      threads.add(
          new RankThread(
              peer,
              channels.channel(peer),
              () -> Devices.open("reference", 1),
              (_, channel) -> {
                ScriptedTrainer member = new ScriptedTrainer(channel, prepare, train);
                members.add(member);
                return member;
              },
              peer.toString(),
              listener));
    }
    return threads;
  }
}
