package org.hetermoe.coordinator.placement;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import java.time.Instant;
import java.util.List;
import java.util.Map;
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
    addCounts(run, epoch, placement, peers(assignment.members()));
  }

  /** Notes that experts have moved. */
  public void move(UUID run, int epoch, Placement placement) {
    RunAssignment assignment =
        entities.find(RunAssignment.class, new RunAssignment.Key(run, epoch));
    assignment.move(placement);
    entities
        .createQuery("delete from PlacementCount where key.run = :run and key.epoch = :epoch")
        .setParameter("run", run)
        .setParameter("epoch", epoch)
        .executeUpdate();
    addCounts(run, epoch, placement, members(run, epoch).stream().map(RunMember::peer).toList());
  }

  private void addCounts(UUID run, int epoch, Placement placement, List<Peer> workers) {
    for (Peer worker : workers) {
      for (int layer = 0; layer < placement.layers(); layer++) {
        entities.persist(
            new PlacementCount(
                new PlacementCount.Key(run, epoch, worker.role(), layer, worker.rank()),
                placement.expertsOf(layer, worker).size()));
      }
    }
  }

  private static List<Peer> peers(List<Assignment.Member> members) {
    return members.stream().map(Assignment.Member::peer).toList();
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

  /** Experts per layer that each worker owns in an attempt. */
  public Map<Peer, List<Integer>> counts(UUID run, int epoch) {
    return entities
        .createQuery(
            "from PlacementCount where key.run = :run and key.epoch = :epoch order by key.layer",
            PlacementCount.class)
        .setParameter("run", run)
        .setParameter("epoch", epoch)
        .getResultStream()
        .collect(
            Collectors.groupingBy(
                count -> new Peer(count.key().role(), count.key().rank()),
                TreeMap::new,
                Collectors.mapping(PlacementCount::experts, Collectors.toList())));
  }
}
