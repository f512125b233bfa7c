package org.hetermoe.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.hetermoe.channel.Channel.Traffic;
import org.hetermoe.group.Placement;
import org.hetermoe.group.RunKey;
import org.hetermoe.train.GroupMember;

/** The members of one attempt at a run that live in this process. */
final class LocalGroup {
  private final RunKey key;
  private final List<MemberThread> members;
  private final List<GroupMember.Outcome> outcomes = new ArrayList<>();
  private int prepared;
  private int ended;

  LocalGroup(RunKey key, List<MemberThread> members) {
    this.key = key;
    this.members = List.copyOf(members);
  }

  RunKey key() {
    return key;
  }

  boolean has(MemberThread member) {
    return members.contains(member);
  }

  void begin() {
    members.forEach(MemberThread::begin);
  }

  void train() {
    members.forEach(MemberThread::train);
  }

  void stopAfterStep() {
    members.forEach(MemberThread::stopAfterStep);
  }

  void rebalance(Placement placement) {
    members.forEach(member -> member.rebalance(placement));
  }

  void abort(String reason) {
    members.forEach(member -> member.abort(reason));
  }

  void interrupt() {
    members.forEach(MemberThread::interrupt);
  }

  /** Notes that one more member waits for its start; true once all do. */
  boolean notePrepared() {
    prepared++;
    return prepared == members.size();
  }

  /** Notes that one more member's thread is over; true once all are. */
  boolean noteEnded(MemberThread.End end) {
    if (end instanceof MemberThread.End.Done(GroupMember.Outcome outcome)) {
      outcomes.add(outcome);
    }
    ended++;
    return ended == members.size();
  }

  /** How training ended for all members together. */
  GroupMember.Outcome outcome() {
    return new GroupMember.Outcome(
        outcomes.stream().mapToInt(GroupMember.Outcome::steps).min().orElse(0),
        outcomes.stream().anyMatch(GroupMember.Outcome::stopped));
  }

  /** The last step that all members have done. */
  int step() {
    return members.stream().mapToInt(MemberThread::step).min().orElse(0);
  }

  Traffic traffic() {
    Traffic sum = new Traffic(0, 0, 0, 0);
    for (MemberThread member : members) {
      sum = sum(sum, member.traffic());
    }
    return sum;
  }

  boolean join(Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    for (MemberThread member : members) {
      long left = deadline - System.nanoTime();
      if (!member.join(Duration.ofNanos(Math.max(1, left)))) {
        return false;
      }
    }
    return true;
  }

  static Traffic sum(Traffic a, Traffic b) {
    return new Traffic(
        a.framesSent() + b.framesSent(),
        a.bytesSent() + b.bytesSent(),
        a.framesReceived() + b.framesReceived(),
        a.bytesReceived() + b.bytesReceived());
  }
}
