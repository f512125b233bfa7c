package org.hetermoe.coordinator.placement;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.ChannelKind;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.run.RunSpec;
import org.hetermoe.tensor.DType;

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

      /** How many of its ranks are of the expert side. */
      public int experts() {
        return (int)
            members.stream()
                .filter(member -> member.peer().role() == WorkerRank.Role.EXPERT)
                .count();
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
   * Picks the workers that a run asks for, in order of their ids, of those whose devices compute in
   * the types that the run asks for; of expert workers as many as it may have. A run over the
   * memory channel needs one attention worker, in which all members then live.
   *
   * @param free workers that may be picked
   * @param sharing whether several attention ranks may live in one worker where there are too few;
   *     over the direct channel only, for on a topic a partition has one reader
   */
  public static Assembly assemble(RunSpec spec, List<Heartbeat> free, boolean sharing) {
    int wantedAttention = spec.workers().attention();
    int fewestExperts = spec.workers().experts().fewest();
    int mostExperts = spec.workers().experts().most();
    if (spec.channel() == ChannelKind.MEMORY) {
      Candidates hosts =
          Candidates.of(
              spec,
              free,
              WorkerRank.Role.ATTENTION,
              spec.precision().attention(),
              spec.precision().experts());
      return hosts.able.isEmpty()
          ? new Assembly.Missing(hosts.more(1))
          : inOneWorker(pick(hosts.able, 1, false).getFirst(), wantedAttention, mostExperts);
    }
    boolean byPartition = spec.channel() == ChannelKind.KAFKA;
    Candidates mayAttend =
        Candidates.of(spec, free, WorkerRank.Role.ATTENTION, spec.precision().attention());
    Candidates mayOwn =
        Candidates.of(spec, free, WorkerRank.Role.EXPERT, spec.precision().experts());
    List<Heartbeat> attention = pick(mayAttend.able, wantedAttention, byPartition);
    List<Heartbeat> experts = pick(mayOwn.able, mostExperts, byPartition);
    List<String> needs = new ArrayList<>();
    boolean shared = sharing && spec.channel() == ChannelKind.DIRECT && !attention.isEmpty();
    if (attention.size() < wantedAttention && !shared) {
      needs.add(mayAttend.more(wantedAttention - attention.size()));
    }
    if (experts.size() < fewestExperts) {
      needs.add(mayOwn.more(fewestExperts - experts.size()));
    }
    if (!needs.isEmpty()) {
      return new Assembly.Missing(String.join(" and ", needs));
    }
    List<Assignment.Member> members = new ArrayList<>();
    for (int rank = 0; rank < wantedAttention; rank++) {
      members.add(member(WorkerRank.attention(rank), attention.get(rank % attention.size())));
    }
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
   * The first workers.
   *
   * @param byPartition whether two that read the same partition exclude each other
   */
  private static List<Heartbeat> pick(List<Heartbeat> able, int most, boolean byPartition) {
    Set<Integer> partitions = new HashSet<>();
    return able.stream()
        .sorted(BY_ID)
        .filter(worker -> !byPartition || partitions.add(worker.partition()))
        .limit(most)
        .toList();
  }

  private static Assignment.Member member(WorkerRank peer, Heartbeat worker) {
    return new Assignment.Member(
        peer, worker.worker(), worker.instance(), worker.host(), worker.port(), worker.partition());
  }

  /**
   * Workers of a role: those whose devices compute in what is asked for, and those whose do not.
   */
  private record Candidates(
      WorkerRank.Role role, List<DType> types, List<Heartbeat> able, List<Heartbeat> unable) {
    static Candidates of(RunSpec spec, List<Heartbeat> free, WorkerRank.Role role, DType... types) {
      List<DType> asked = Arrays.stream(types).distinct().toList();
      Map<Boolean, List<Heartbeat>> able =
          free.stream()
              .filter(worker -> worker.role() == role)
              .collect(
                  Collectors.partitioningBy(
                      // Of a device that the run names nothing is known before it is opened.
                      worker -> !spec.ownDevices() || worker.types().containsAll(asked)));
      return new Candidates(role, asked, able.get(true), able.get(false));
    }

    /** What is missing, and who could not take its place. */
    String more(int number) {
      String need =
          number
              + " more "
              + role.name().toLowerCase(Locale.ROOT)
              + (number == 1 ? " worker" : " workers");
      return unable.isEmpty() ? need : need + " computing in " + labels(types) + why();
    }

    private String why() {
      return unable.stream()
          .sorted(BY_ID)
          .map(worker -> worker.worker() + " computes in " + labels(worker.types()))
          .collect(Collectors.joining(", ", " (", ")"));
    }

    private static String labels(List<DType> types) {
      return types.stream().map(DType::label).collect(Collectors.joining(" and "));
    }
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
