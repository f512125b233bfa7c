package org.hetermoe.nn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Where the tokens of one micro-batch go in one layer, seen from one attention worker. A token goes
 * once to each worker that owns one of its experts; there, each (token, expert) pair is an
 * assignment. Assignments of a worker are ordered by expert, then by token, and results come back
 * in that order.
 */
public final class Routing {
  private final int topK;
  private final List<Share> shares;
  private final int[] source;
  private final int[] row;
  private final int[] expertCounts;

  /**
   * What one owner of experts gets.
   *
   * @param tokens rows that go to it, ascending
   * @param counts assignments of each expert it owns, experts ascending
   * @param rows per assignment, the position in {@code tokens}
   * @param slots per assignment, {@code token * K + slot}: whose routing weight applies
   */
  public record Share(int[] tokens, int[] counts, int[] rows, int[] slots) {
    /** Number of assignments. */
    public int assignments() {
      return rows.length;
    }
  }

  private Routing(int topK, List<Share> shares, int[] source, int[] row, int[] expertCounts) {
    this.topK = topK;
    this.shares = shares;
    this.source = source;
    this.row = row;
    this.expertCounts = expertCounts;
  }

  /**
   * Routes.
   *
   * @param chosen expert ids, [T,K] row-major
   * @param owners per expert, the index of the worker that owns it
   * @param workers number of workers that own experts
   */
  public static Routing of(int[] chosen, int topK, List<Integer> owners, int workers) {
    int[] expertCounts = new int[owners.size()];
    for (int expert : chosen) {
      expertCounts[expert]++;
    }
    int[] source = new int[chosen.length];
    int[] row = new int[chosen.length];
    List<Share> shares = new ArrayList<>();
    for (int worker = 0; worker < workers; worker++) {
      shares.add(share(chosen, topK, owners, worker, expertCounts, source, row));
    }
    return new Routing(topK, List.copyOf(shares), source, row, expertCounts);
  }

  private static Share share(
      int[] chosen,
      int topK,
      List<Integer> owners,
      int worker,
      int[] expertCounts,
      int[] source,
      int[] row) {
    int[] next = new int[owners.size()];
    List<Integer> counts = new ArrayList<>();
    int assignments = 0;
    for (int expert = 0; expert < next.length; expert++) {
      if (owners.get(expert) == worker) {
        next[expert] = assignments;
        counts.add(expertCounts[expert]);
        assignments += expertCounts[expert];
      }
    }
    int[] tokens = new int[Math.min(assignments, chosen.length / topK)];
    int[] rows = new int[assignments];
    int[] slots = new int[assignments];
    int sent = 0;
    for (int token = 0; token < chosen.length / topK; token++) {
      boolean goes = false;
      for (int slot = token * topK; slot < (token + 1) * topK; slot++) {
        int expert = chosen[slot];
        if (owners.get(expert) == worker) {
          int assignment = next[expert]++;
          rows[assignment] = sent;
          slots[assignment] = slot;
          source[slot] = worker;
          row[slot] = assignment;
          goes = true;
        }
      }
      if (goes) {
        tokens[sent++] = token;
      }
    }
    return new Share(
        Arrays.copyOf(tokens, sent),
        counts.stream().mapToInt(Integer::intValue).toArray(),
        rows,
        slots);
  }

  /** Experts per token, K. */
  public int topK() {
    return topK;
  }

  /** Number of tokens, T. */
  public int tokens() {
    return source.length / topK;
  }

  /** What each worker that owns experts gets. */
  public List<Share> shares() {
    return shares;
  }

  /** Per token and slot, which of these workers returns its result; [T,K]. */
  public int[] source() {
    return source.clone();
  }

  /** Per token and slot, which row of that worker's results; [T,K]. */
  public int[] row() {
    return row.clone();
  }

  /** Tokens given to each expert of the layer. */
  public int[] expertCounts() {
    return expertCounts.clone();
  }
}
