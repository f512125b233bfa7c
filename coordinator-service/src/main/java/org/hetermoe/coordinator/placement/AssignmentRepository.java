package org.hetermoe.coordinator.placement;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.hetermoe.group.Peer;
import org.hetermoe.plan.Placement;
import org.hetermoe.run.Assignment;

/** Stored assignments. */
@ApplicationScoped
public class AssignmentRepository {
  private final EntityManager entities;

  AssignmentRepository(EntityManager entities) {
    this.entities = entities;
  }

  /** Stores an assignment with its members and its counts. */
  public void add(Assignment assignment, Instant at) {
    UUID run = assignment.run();
    int epoch = assignment.epoch();
    Placement placement = assignment.placement();
    entities.persist(
        new RunAssignment(
            new RunAssignment.Key(run, epoch), at, assignment.resumeFromStep(), placement));
    for (Assignment.Member member : assignment.members()) {
      entities.persist(new RunMember(run, epoch, member));
    }
    int workers = assignment.spec().workers().experts();
    for (int layer = 0; layer < placement.layers(); layer++) {
      List<Integer> counts = placement.counts(layer, Peer.Role.EXPERT, workers);
      for (int rank = 0; rank < workers; rank++) {
        entities.persist(
            new PlacementCount(new PlacementCount.Key(run, epoch, layer, rank), counts.get(rank)));
      }
    }
  }

  /** Members of an attempt, in order of role and rank; none where there was no such attempt. */
  public List<RunMember> members(UUID run, int epoch) {
    return entities
        .createQuery(
            "from RunMember where key.run = :run and key.epoch = :epoch"
                + " order by key.role, key.rank",
            RunMember.class)
        .setParameter("run", run)
        .setParameter("epoch", epoch)
        .getResultList();
  }

  /** The placement of an attempt. */
  public Optional<Placement> placement(UUID run, int epoch) {
    return Optional.ofNullable(
            entities.find(RunAssignment.class, new RunAssignment.Key(run, epoch)))
        .map(RunAssignment::placement);
  }

  /** Experts per layer that each expert worker owns in an attempt, in order of rank. */
  public List<List<Integer>> counts(UUID run, int epoch) {
    return entities
        .createQuery(
            "from PlacementCount where key.run = :run and key.epoch = :epoch"
                + " order by key.rank, key.layer",
            PlacementCount.class)
        .setParameter("run", run)
        .setParameter("epoch", epoch)
        .getResultStream()
        .collect(
            Collectors.groupingBy(
                count -> count.key().rank(),
                TreeMap::new,
                Collectors.mapping(PlacementCount::experts, Collectors.toList())))
        .values()
        .stream()
        .toList();
  }
}
