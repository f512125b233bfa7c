package org.hetermoe.coordinator.placement;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.ChannelKind;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.RunSpec;

/** Forms the ZP group of a run from workers that are free. Pure. */
public final class GroupAssembler {
  private static final Pattern NUMBERED = Pattern.compile("(.*?)(\\d{0,9})");

  /** By id, numbers by value, so that {@code expert-10} comes after {@code expert-2}. */
  private static final Comparator<Heartbeat> BY_ID =
      Comparator.comparing((Heartbeat worker) -> idPart(worker, 1))
          .thenComparingLong(GroupAssembler::idNumber)
          .thenComparing(Heartbeat::worker);

  private GroupAssembler() {}

  /** A group, or what is missing for one. */
  public sealed interface Assembly {
    /**
     * There are enough workers.
     *
     * @param members in order of role and rank
     */
    record Group(List<Assignment.Member> members) implements Assembly {
      public Group {
        members = List.copyOf(members);
      }
    }

    /**
     * There are not.
     *
     * @param need what is missing, as {@code 1 more expert worker}
     */
    record Missing(String need) implements Assembly {}
  }

  /**
   * Picks the workers that a run asks for, in order of their ids. A run over the memory channel
   * needs one attention worker, in which all members then live.
   *
   * @param free workers that may be picked
   */
  public static Assembly assemble(RunSpec spec, List<Heartbeat> free) {
    int wantedAttention = spec.workers().attention();
    int wantedExperts = spec.workers().experts();
    if (spec.channel() == ChannelKind.MEMORY) {
      List<Heartbeat> hosts = pick(free, WorkerRank.Role.ATTENTION, 1, false);
      return hosts.isEmpty()
          ? new Assembly.Missing(more(1, "attention"))
          : inOneWorker(hosts.getFirst(), wantedAttention, wantedExperts);
    }
    boolean byPartition = spec.channel() == ChannelKind.KAFKA;
    List<Heartbeat> attention = pick(free, WorkerRank.Role.ATTENTION, wantedAttention, byPartition);
    List<Heartbeat> experts = pick(free, WorkerRank.Role.EXPERT, wantedExperts, byPartition);
    List<String> needs = new ArrayList<>();
    if (attention.size() < wantedAttention) {
      needs.add(more(wantedAttention - attention.size(), "attention"));
    }
    if (experts.size() < wantedExperts) {
      needs.add(more(wantedExperts - experts.size(), "expert"));
    }
    if (!needs.isEmpty()) {
      return new Assembly.Missing(String.join(" and ", needs));
    }
    List<Assignment.Member> members = new ArrayList<>();
    attention.forEach(worker -> members.add(member(WorkerRank.attention(members.size()), worker)));
    experts.forEach(
        worker -> members.add(member(WorkerRank.expert(members.size() - wantedAttention), worker)));
    return new Assembly.Group(members);
  }

  private static Assembly inOneWorker(Heartbeat host, int attention, int experts) {
    List<Assignment.Member> members = new ArrayList<>();
    for (int rank = 0; rank < attention; rank++) {
      members.add(member(WorkerRank.attention(rank), host));
    }
    for (int rank = 0; rank < experts; rank++) {
      members.add(member(WorkerRank.expert(rank), host));
    }
    return new Assembly.Group(members);
  }

  /**
   * The first workers of a role.
   *
   * @param byPartition whether two that read the same partition exclude each other
   */
  private static List<Heartbeat> pick(
      List<Heartbeat> free, WorkerRank.Role role, int most, boolean byPartition) {
    Set<Integer> partitions = new HashSet<>();
    return free.stream()
        .filter(worker -> worker.role() == role)
        .sorted(BY_ID)
        .filter(worker -> !byPartition || partitions.add(worker.partition()))
        .limit(most)
        .toList();
  }

  private static Assignment.Member member(WorkerRank peer, Heartbeat worker) {
    return new Assignment.Member(
        peer, worker.worker(), worker.instance(), worker.host(), worker.port(), worker.partition());
  }

  private static String more(int number, String role) {
    return number + " more " + role + (number == 1 ? " worker" : " workers");
  }

  private static long idNumber(Heartbeat worker) {
    String digits = idPart(worker, 2);
    return digits.isEmpty() ? -1 : Long.parseLong(digits);
  }

  private static String idPart(Heartbeat worker, int group) {
    Matcher parts = NUMBERED.matcher(worker.worker());
    return parts.matches() ? parts.group(group) : worker.worker();
  }
}
