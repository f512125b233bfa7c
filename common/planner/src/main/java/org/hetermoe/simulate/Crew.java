package org.hetermoe.simulate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.ExpertCosts;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.LinkCosts;
import org.hetermoe.plan.Replica;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.plan.WorkerCosts;

/**
 * The workers of a group, those that are alike in everything merged into one: same costs, same
 * share of the load and same seconds in every layer. They do the same at the same time, so that
 * merging them is exact.
 */
final class Crew {
  /**
   * Workers that are alike.
   *
   * @param worker the first of them
   * @param costs of each
   * @param size how many
   * @param experts that each owns, of all layers
   * @param share of each layer's rows that each computes
   * @param forward seconds of each layer's experts, one micro-batch
   * @param backward seconds of each layer's experts, one micro-batch
   * @param takesPart per layer, whether each owns experts
   * @param reduceSeconds of the gradients of experts that others own too
   */
  record Member(
      WorkerRank worker,
      WorkerCosts costs,
      int size,
      int experts,
      double[] share,
      double[] forward,
      double[] backward,
      boolean[] takesPart,
      double reduceSeconds) {
    boolean attends() {
      return worker.role() == WorkerRank.Role.ATTENTION;
    }

    private boolean like(Member other) {
      return worker.role() == other.worker.role()
          && costs.link().nic() == LinkCosts.OWN
          && costs.equals(other.costs)
          && reduceSeconds == other.reduceSeconds
          && Arrays.equals(share, other.share)
          && Arrays.equals(forward, other.forward)
          && Arrays.equals(backward, other.backward)
          && Arrays.equals(takesPart, other.takesPart);
    }

    private Member times(int workers) {
      return new Member(
          worker, costs, workers, experts, share, forward, backward, takesPart, reduceSeconds);
    }
  }

  private final List<Member> members = new ArrayList<>();
  private final int[] memberOf;
  private final int attention;

  /** The crew of a placement with one owner for each expert. */
  Crew(GroupCosts costs, Placement placement, boolean merge) {
    this(costs, new ReplicatedPlacement(placement), merge);
  }

  /**
   * The crew of a placement.
   *
   * @param merge whether to merge workers that are alike
   */
  Crew(GroupCosts costs, ReplicatedPlacement replicated, boolean merge) {
    Placement placement = replicated.placement();
    if (placement.layers() != costs.layers() || placement.experts() != costs.experts()) {
      throw new IllegalArgumentException(
          "a placement of "
              + placement.layers()
              + " layers and "
              + placement.experts()
              + " experts does not fit costs of "
              + costs.layers()
              + " and "
              + costs.experts());
    }
    attention = costs.attention().size();
    int workers = attention + costs.expert().size();
    memberOf = new int[workers];
    List<Member> all = new ArrayList<>(workers);
    for (int worker = 0; worker < workers; worker++) {
      all.add(alone(costs, worker));
    }
    int[] experts = new int[workers];
    double[] reduce = new double[workers];
    int[][] owners = replicated.ownerCounts();
    for (int layer = 0; layer < costs.layers(); layer++) {
      for (int expert = 0; expert < costs.experts(); expert++) {
        int worker = index(placement.owner(layer, expert));
        experts[worker]++;
        reduce[worker] += owned(costs, all.get(worker), layer, expert, owners[layer][expert]);
      }
    }
    for (Replica replica : replicated.replicas()) {
      int worker = index(replica.worker());
      int count = owners[replica.layer()][replica.expert()];
      experts[worker]++;
      reduce[worker] += owned(costs, all.get(worker), replica.layer(), replica.expert(), count);
    }
    gather(all, experts, reduce, merge);
  }

  private int index(WorkerRank owner) {
    int worker =
        owner.role() == WorkerRank.Role.ATTENTION ? owner.rank() : attention + owner.rank();
    if (worker >= memberOf.length
        || (owner.role() == WorkerRank.Role.ATTENTION && worker >= attention)) {
      throw new IllegalArgumentException("the group has no worker " + owner);
    }
    return worker;
  }

  /** Adds one owner's part of an expert; returns the seconds of reducing its gradients. */
  private static double owned(GroupCosts costs, Member member, int layer, int expert, int owners) {
    double load = costs.loads().of(layer, expert) / owners;
    double rows = (double) costs.tokens() * costs.topK() / costs.experts() * load;
    ExpertCosts seconds = member.costs().experts();
    member.share()[layer] += load / costs.experts();
    member.forward()[layer] += seconds.forward(rows);
    member.backward()[layer] += seconds.backward(rows);
    member.takesPart()[layer] = true;
    return costs.replicaSeconds(member.costs(), owners);
  }

  private Member alone(GroupCosts costs, int worker) {
    int layers = costs.layers();
    WorkerRank peer =
        worker < attention ? WorkerRank.attention(worker) : WorkerRank.expert(worker - attention);
    return new Member(
        peer,
        costs.of(peer),
        1,
        0,
        new double[layers],
        new double[layers],
        new double[layers],
        new boolean[layers],
        0);
  }

  private void gather(List<Member> all, int[] experts, double[] reduce, boolean merge) {
    for (int worker = 0; worker < all.size(); worker++) {
      Member alone = all.get(worker);
      Member one =
          new Member(
              alone.worker(),
              alone.costs(),
              1,
              experts[worker],
              alone.share(),
              alone.forward(),
              alone.backward(),
              alone.takesPart(),
              reduce[worker]);
      int found = merge ? find(one) : -1;
      if (found < 0) {
        memberOf[worker] = members.size();
        members.add(one);
      } else {
        memberOf[worker] = found;
        members.set(found, members.get(found).times(members.get(found).size() + 1));
      }
    }
  }

  private int find(Member one) {
    for (int member = 0; member < members.size(); member++) {
      if (members.get(member).like(one)) {
        return member;
      }
    }
    return -1;
  }

  /** The members, attention workers first. */
  List<Member> members() {
    return members;
  }

  /** The member that a worker belongs to. */
  int memberOf(WorkerRank worker) {
    return memberOf[
        worker.role() == WorkerRank.Role.ATTENTION ? worker.rank() : attention + worker.rank()];
  }
}
