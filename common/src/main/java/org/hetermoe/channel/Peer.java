package org.hetermoe.channel;

/**
 * A worker of a ZP group, by role and rank.
 *
 * @param role which side of the group
 * @param rank 0 to M-1 or 0 to N-1
 */
public record Peer(Role role, int rank) implements Comparable<Peer> {
  /** The sides of a ZP group. */
  public enum Role {
    ATTENTION,
    EXPERT
  }

  public Peer {
    if (rank < 0 || rank > 0x7fff) {
      throw new IllegalArgumentException("rank must lie between 0 and 32767, is " + rank);
    }
  }

  /** Attention worker {@code rank}. */
  public static Peer attention(int rank) {
    return new Peer(Role.ATTENTION, rank);
  }

  /** Expert worker {@code rank}. */
  public static Peer expert(int rank) {
    return new Peer(Role.EXPERT, rank);
  }

  @Override
  public int compareTo(Peer other) {
    int byRole = role.compareTo(other.role);
    return byRole != 0 ? byRole : Integer.compare(rank, other.rank);
  }

  @Override
  public String toString() {
    return role.name().toLowerCase(java.util.Locale.ROOT) + "-" + rank;
  }
}
