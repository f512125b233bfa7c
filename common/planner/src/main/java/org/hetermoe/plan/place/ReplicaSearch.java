package org.hetermoe.plan.place;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.hetermoe.plan.ExpertCosts;
import org.hetermoe.plan.GroupCosts;
import org.hetermoe.plan.Predictor;
import org.hetermoe.plan.Replica;
import org.hetermoe.plan.ReplicatedPlacement;
import org.hetermoe.schedule.Schedule;

/**
 * Gives hot experts, those with more than their layer's mean, further owners as long as the
 * predictor says that it pays: first one more in every layer at a time, since a step is as slow as
 * its slowest layers; then one layer after the other; at last the first owners are moved about.
 */
final class ReplicaSearch {
  /** Rounds that may bring nothing before the search gives up: two experts may be equally hot. */
  private static final int PATIENCE = 2;

  private static final int MIN_PREDICTIONS = 8;

  /** Balanced loads are 1, but for rounding. */
  private static final double HOT = 1 + 1e-9;

  private static final double MIN_GAIN = 1e-6;

  private final GroupCosts costs;
  private final Schedule schedule;
  private final Predictor predictor;
  private final WorkerIndex workers;
  private final MemoryCapacity capacity;
  private final double meanRows;
  private final int annealingTries;
  private int predictionsLeft;

  ReplicaSearch(
      GroupCosts costs,
      Schedule schedule,
      Predictor predictor,
      WorkerIndex workers,
      MemoryCapacity capacity,
      SearchBudget budget) {
    this.costs = costs;
    this.schedule = schedule;
    this.predictor = predictor;
    this.workers = workers;
    this.capacity = capacity;
    this.meanRows = (double) costs.tokens() * costs.topK() / costs.experts();
    this.annealingTries = budget.singleMoves() ? budget.predictions() : 0;
    this.predictionsLeft = Math.max(MIN_PREDICTIONS, budget.predictions() / 4);
  }

  /** The planned placement with replicas, or as it is if none pay. */
  PlannedPlacement improve(PlannedPlacement planned) {
    if (costs.loads().relative().stream().allMatch(layer -> Collections.max(layer) <= HOT)) {
      return planned;
    }
    Candidate best = new Candidate(planned.replicated(), planned.stepSeconds());
    best = inEveryLayer(best);
    best = layerByLayer(best);
    best = withFirstOwnersMoved(best);
    int replicas = best.placement().replicas().size();
    return replicas == 0
        ? planned
        : planned.with(
            best.placement(),
            best.seconds(),
            planned.why() + "; %d replicas of hot experts".formatted(replicas));
  }

  /** A placement and its predicted seconds. */
  private record Candidate(ReplicatedPlacement placement, double seconds) {
    boolean pays(Candidate best) {
      return seconds < best.seconds * (1 - MIN_GAIN);
    }
  }

  private Candidate predict(ReplicatedPlacement placement) {
    predictionsLeft--;
    return new Candidate(placement, predictor.stepSeconds(costs, schedule, placement));
  }

  private Candidate inEveryLayer(Candidate start) {
    Candidate best = start;
    ReplicatedPlacement at = start.placement();
    int patience = PATIENCE;
    while (patience > 0 && predictionsLeft > 0) {
      Loads loads = new Loads(at);
      ReplicatedPlacement next = at;
      for (int layer = 0; layer < costs.layers(); layer++) {
        Replica replica = loads.replica(layer);
        if (replica != null) {
          next = next.with(replica);
        }
      }
      if (next.replicas().size() == at.replicas().size()) {
        return best;
      }
      at = next;
      Candidate candidate = predict(next);
      if (candidate.pays(best)) {
        best = candidate;
        patience = PATIENCE;
      } else {
        patience--;
      }
    }
    return best;
  }

  private Candidate layerByLayer(Candidate start) {
    Candidate best = start;
    int without = 0;
    for (int layer = 0; without < costs.layers() && predictionsLeft > 0; layer++) {
      Replica replica = new Loads(best.placement()).replica(layer % costs.layers());
      without++;
      if (replica != null) {
        Candidate candidate = predict(best.placement().with(replica));
        if (candidate.pays(best)) {
          best = candidate;
          without = 0;
        }
      }
    }
    return best;
  }

  /** First owners are moved about, since replicas take work from some. */
  private Candidate withFirstOwnersMoved(Candidate start) {
    List<Replica> replicas = start.placement().replicas();
    if (replicas.isEmpty()) {
      return start;
    }
    long[] held = new long[workers.size()];
    replicas.forEach(replica -> held[workers.of(replica.worker())]++);
    return new SimulatedAnnealing(workers, capacity.minus(held), annealingTries)
        .improve(
            workers.owners(start.placement().placement()),
            owners ->
                ownsTwice(owners, replicas)
                    ? Double.POSITIVE_INFINITY
                    : predict(new ReplicatedPlacement(workers.placement(owners), replicas))
                        .seconds())
        .map(owners -> predict(new ReplicatedPlacement(workers.placement(owners), replicas)))
        .filter(candidate -> candidate.pays(start))
        .orElse(start);
  }

  private boolean ownsTwice(int[][] owners, List<Replica> replicas) {
    return replicas.stream()
        .anyMatch(
            replica -> owners[replica.layer()][replica.expert()] == workers.of(replica.worker()));
  }

  private double seconds(int worker, int layer, int expert, int owners) {
    ExpertCosts own = workers.costs(worker).experts();
    double rows = meanRows * costs.loads().of(layer, expert) / owners;
    return own.forward(rows) + own.backward(rows);
  }

  /** How busy each worker is under a placement, by layer, and what it has left to hold. */
  private final class Loads {
    private final int[][] owners;
    private final double[][] busy;
    private final long[] left = new long[workers.size()];
    private final List<Set<Replica>> owned = new ArrayList<>();

    private Loads(ReplicatedPlacement placement) {
      this.owners = placement.ownerCounts();
      this.busy = new double[costs.layers()][workers.size()];
      for (int worker = 0; worker < left.length; worker++) {
        left[worker] = capacity.of(worker);
        for (double[] layer : busy) {
          layer[worker] = workers.costs(worker).attention().both();
        }
      }
      for (int layer = 0; layer < costs.layers(); layer++) {
        owned.add(new LinkedHashSet<>());
      }
      placement
          .owners()
          .forEach(
              one -> {
                int worker = workers.of(one.worker());
                left[worker]--;
                busy[one.layer()][worker] +=
                    seconds(worker, one.layer(), one.expert(), owners[one.layer()][one.expert()]);
                owned.get(one.layer()).add(one);
              });
    }

    /** A further owner for the hottest expert of the busiest worker that has a hot one, or null. */
    private Replica replica(int layer) {
      int hottest = -1;
      double most = 0;
      for (Replica one : owned.get(layer)) {
        if (costs.loads().of(layer, one.expert()) > HOT) {
          int worker = workers.of(one.worker());
          double rows =
              meanRows * costs.loads().of(layer, one.expert()) / owners[layer][one.expert()];
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
      return new Replica(layer, hottest, workers.worker(to));
    }

    private int earliest(int layer, int expert) {
      int earliest = -1;
      double soonest = Double.POSITIVE_INFINITY;
      for (int worker = 0; worker < left.length; worker++) {
        double done =
            busy[layer][worker] + seconds(worker, layer, expert, owners[layer][expert] + 1);
        if (left[worker] > 0
            && done < soonest
            && !owned.get(layer).contains(new Replica(layer, expert, workers.worker(worker)))) {
          soonest = done;
          earliest = worker;
        }
      }
      return earliest;
    }
  }
}
