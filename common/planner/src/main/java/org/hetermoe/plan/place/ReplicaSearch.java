package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.plan.Replica;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.plan.WorkerCosts;
import org.hetermoe.schedule.Schedule;

/**
 * Gives hot experts, those with more than their layer's mean, further owners as long as the
 * predictor says that it pays: first one more in every layer at a time, since a step is as slow as
 * its slowest layers; then one layer after the other; at last the first owners are moved about.
 */
final class ReplicaSearch {
  /** Rounds that may bring nothing before the search gives up: two experts may be equally hot. */
  private static final int PATIENCE = 2;

  private static final int FEWEST_LOOKS = 8;

  /** Balanced loads are 1, but for rounding. */
  private static final double HOT = 1 + 1e-9;

  private static final double LEAST_GAIN = 1e-6;

  private final GroupCosts costs;
  private final Schedule schedule;
  private final Predictor predictor;
  private final Room room;
  private final List<WorkerRank> workers = new ArrayList<>();
  private final QuickClock clock;
  private final int moves;
  private int looks;

  /**
   * A search.
   *
   * @param clock that numbers the group's workers
   * @param looks by the predictor
   */
  ReplicaSearch(
      GroupCosts costs,
      Schedule schedule,
      Predictor predictor,
      QuickClock clock,
      Room room,
      Looks looks) {
    this.clock = clock;
    this.moves = looks.moves() ? looks.judged() : 0;
    this.costs = costs;
    this.schedule = schedule;
    this.predictor = predictor;
    this.room = room;
    this.looks = Math.max(FEWEST_LOOKS, looks.judged() / 4);
    for (int worker = 0; worker < clock.workers().size(); worker++) {
      workers.add(clock.worker(worker));
    }
  }

  /** The planned placement with replicas, or as it is if none pay. */
  PlannedPlacement better(PlannedPlacement planned) {
    if (costs.loads().relative().stream().allMatch(layer -> Collections.max(layer) <= HOT)) {
      return planned;
    }
    Found best = new Found(planned.replicated(), planned.stepSeconds());
    best = everywhere(best);
    best = layerByLayer(best);
    best = moved(best);
    int replicas = best.placement().replicas().size();
    return replicas == 0
        ? planned
        : planned.with(
            best.placement(),
            best.seconds(),
            planned.why() + "; %d replicas of hot experts".formatted(replicas));
  }

  /** A placement and its seconds. */
  private record Found(ReplicatedPlacement placement, double seconds) {}

  private Found look(ReplicatedPlacement placement) {
    looks--;
    return new Found(placement, predictor.stepSeconds(costs, schedule, placement));
  }

  private static boolean pays(Found next, Found best) {
    return next.seconds() < best.seconds() * (1 - LEAST_GAIN);
  }

  private Found everywhere(Found start) {
    Found best = start;
    ReplicatedPlacement at = start.placement();
    int patience = PATIENCE;
    while (patience > 0 && looks > 0) {
      State state = new State(at);
      ReplicatedPlacement next = at;
      for (int layer = 0; layer < costs.layers(); layer++) {
        Replica replica = state.further(layer);
        if (replica != null) {
          next = next.with(replica);
        }
      }
      if (next.replicas().size() == at.replicas().size()) {
        return best;
      }
      at = next;
      Found found = look(next);
      if (pays(found, best)) {
        best = found;
        patience = PATIENCE;
      } else {
        patience--;
      }
    }
    return best;
  }

  private Found layerByLayer(Found start) {
    Found best = start;
    int without = 0;
    for (int layer = 0; without < costs.layers() && looks > 0; layer++) {
      Replica replica = new State(best.placement()).further(layer % costs.layers());
      without++;
      if (replica != null) {
        Found found = look(best.placement().with(replica));
        if (pays(found, best)) {
          best = found;
          without = 0;
        }
      }
    }
    return best;
  }

  /** First owners moved about, since replicas take work from some. */
  private Found moved(Found start) {
    List<Replica> replicas = start.placement().replicas();
    if (replicas.isEmpty()) {
      return start;
    }
    long[] taken = new long[workers.size()];
    replicas.forEach(replica -> taken[index(replica.worker())]++);
    return new MoveSearch(costs, clock, room.without(taken), moves)
        .improve(
            clock.owners(start.placement().placement()),
            owners ->
                collide(owners, replicas)
                    ? Double.POSITIVE_INFINITY
                    : look(new ReplicatedPlacement(clock.placement(owners), replicas)).seconds())
        .map(owners -> look(new ReplicatedPlacement(clock.placement(owners), replicas)))
        .filter(found -> pays(found, start))
        .orElse(start);
  }

  private boolean collide(int[][] owners, List<Replica> replicas) {
    return replicas.stream()
        .anyMatch(replica -> owners[replica.layer()][replica.expert()] == index(replica.worker()));
  }

  /** Who is how busy under a placement, by layer. */
  private final class State {
    private final int[][] owners;
    private final double[][] busy;
    private final long[] left = new long[workers.size()];
    private final List<Set<Replica>> owned = new ArrayList<>();

    private State(ReplicatedPlacement placement) {
      this.owners = placement.ownerCounts();
      this.busy = new double[costs.layers()][workers.size()];
      for (int worker = 0; worker < left.length; worker++) {
        left[worker] = room.of(workers.get(worker));
        for (double[] layer : busy) {
          layer[worker] = costs.of(workers.get(worker)).attention().both();
        }
      }
      for (int layer = 0; layer < costs.layers(); layer++) {
        owned.add(new LinkedHashSet<>());
      }
      placement
          .owners()
          .forEach(
              one -> {
                int worker = index(one.worker());
                left[worker]--;
                busy[one.layer()][worker] +=
                    seconds(worker, one.layer(), one.expert(), owners[one.layer()][one.expert()]);
                owned.get(one.layer()).add(one);
              });
    }

    /** A further owner for the hottest expert of the busiest worker that has a hot one. */
    private Replica further(int layer) {
      int hottest = -1;
      double most = 0;
      for (Replica one : owned.get(layer)) {
        if (costs.loads().of(layer, one.expert()) > HOT) {
          int worker = index(one.worker());
          double rows = costs.rows(layer, one.expert()) / owners[layer][one.expert()];
          double worth = busy[layer][worker] * rows;
          if (worth > most) {
            most = worth;
            hottest = one.expert();
          }
        }
      }
      if (hottest < 0) {
        return null;
      }
      int to = earliest(layer, hottest);
      if (to < 0) {
        return null;
      }
      left[to]--;
      return new Replica(layer, hottest, workers.get(to));
    }

    private int earliest(int layer, int expert) {
      int earliest = -1;
      double soonest = Double.POSITIVE_INFINITY;
      for (int worker = 0; worker < left.length; worker++) {
        double done =
            busy[layer][worker] + seconds(worker, layer, expert, owners[layer][expert] + 1);
        if (left[worker] > 0
            && done < soonest
            && !owned.get(layer).contains(new Replica(layer, expert, workers.get(worker)))) {
          soonest = done;
          earliest = worker;
        }
      }
      return earliest;
    }
  }

  private int index(WorkerRank worker) {
    return clock.index(worker);
  }

  private double seconds(int worker, int layer, int expert, int owners) {
    WorkerCosts cost = costs.of(workers.get(worker));
    double rows = costs.rows(layer, expert) / owners;
    return cost.experts().forward(rows) + cost.experts().backward(rows);
  }
}
