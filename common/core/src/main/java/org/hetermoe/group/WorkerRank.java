package org.hetermoe.group;

import java.util.Locale;
import java.util.Optional;

/**
 * A worker of a ZP group, by role and rank.
 *
 * @param role which side of the group
 * @param rank 0 to M-1 or 0 to N-1
 */
public record WorkerRank(Role role, int rank) implements Comparable<WorkerRank> {
  /** The sides of a ZP group. */
  public enum Role {
    ATTENTION,
    EXPERT
  }

  private static final int ATTENTION_CODE = 1;
  private static final int EXPERT_CODE = 2;

  public WorkerRank {
    if (rank < 0 || rank > 0x7fff) {
      throw new IllegalArgumentException("rank must lie between 0 and 32767, is " + rank);
    }
  }

  /** Attention worker {@code rank}. */
  public static WorkerRank attention(int rank) {
    return new WorkerRank(Role.ATTENTION, rank);
  }

  /** Expert worker {@code rank}. */
  public static WorkerRank expert(int rank) {
    return new WorkerRank(Role.EXPERT, rank);
  }

  /** The number on the wire: the role in the upper half, the rank in the lower. Never renumber. */
  public int code() {
    return (role == Role.ATTENTION ? ATTENTION_CODE : EXPERT_CODE) << Short.SIZE | rank;
  }

  /** The worker with that number on the wire; empty if no worker has it. */
  public static Optional<WorkerRank> ofCode(int code) {
    int rank = code & 0xffff;
    if (rank > 0x7fff) {
      return Optional.empty();
    }
    return switch (code >>> Short.SIZE) {
      case ATTENTION_CODE -> Optional.of(attention(rank));
      case EXPERT_CODE -> Optional.of(expert(rank));
      default -> Optional.empty();
    };
  }

  /**
   * The worker of a name such as {@code expert-0}.
   *
   * @throws IllegalArgumentException if there is no such worker
   */
  public static WorkerRank ofName(String name) {
    for (Role role : Role.values()) {
      String prefix = prefix(role);
      if (name.matches(prefix + "\\d{1,5}")) {
        return new WorkerRank(role, Integer.parseInt(name.substring(prefix.length())));
      }
    }
    throw new IllegalArgumentException(
        "a worker of a group is named attention-N or expert-N, not '" + name + "'");
  }

  private static String prefix(Role role) {
    return role.name().toLowerCase(Locale.ROOT) + "-";
  }

  @Override
  public int compareTo(WorkerRank other) {
    int byRole = role.compareTo(other.role);
    return byRole != 0 ? byRole : Integer.compare(rank, other.rank);
  }

  @Override
  public String toString() {
    return prefix(role) + rank;
  }
}
