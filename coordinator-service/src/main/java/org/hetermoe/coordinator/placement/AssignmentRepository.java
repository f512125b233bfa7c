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
import org.hetermoe.group.Placement;
import org.hetermoe.group.WorkerRank;
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
    int attempt = assignment.attempt();
    Placement placement = assignment.placement();
    entities.persist(
        new RunAssignment(
            new RunAssignment.Key(run, attempt), at, assignment.resumeFromStep(), placement));
    for (Assignment.Member member : assignment.members()) {
      entities.persist(new RunMember(run, attempt, member));
    }
    addCounts(run, attempt, placement, peers(assignment.members()));
  }

  /** Notes that experts have moved. */
  public void move(UUID run, int attempt, Placement placement) {
    RunAssignment assignment =
        entities.find(RunAssignment.class, new RunAssignment.Key(run, attempt));
    assignment.move(placement);
    entities
        .createQuery("delete from PlacementCount where key.run = :run and key.attempt = :attempt")
        .setParameter("run", run)
        .setParameter("attempt", attempt)
        .executeUpdate();
    addCounts(
        run, attempt, placement, members(run, attempt).stream().map(RunMember::peer).toList());
  }

  private void addCounts(UUID run, int attempt, Placement placement, List<WorkerRank> workers) {
    for (WorkerRank worker : workers) {
      for (int layer = 0; layer < placement.layers(); layer++) {
        entities.persist(
            new PlacementCount(
                new PlacementCount.Key(run, attempt, worker.role(), layer, worker.rank()),
                placement.expertsOf(layer, worker).size()));
      }
    }
  }

  private static List<WorkerRank> peers(List<Assignment.Member> members) {
    return members.stream().map(Assignment.Member::peer).toList();
  }

  /** Members of an attempt, in order of role and rank; none where there was no such attempt. */
  public List<RunMember> members(UUID run, int attempt) {
    return entities
        .createQuery(
            "from RunMember where key.run = :run and key.attempt = :attempt"
                + " order by key.role, key.rank",
            RunMember.class)
        .setParameter("run", run)
        .setParameter("attempt", attempt)
        .getResultList();
  }

  /** The placement of an attempt. */
  public Optional<Placement> placement(UUID run, int attempt) {
    return Optional.ofNullable(
            entities.find(RunAssignment.class, new RunAssignment.Key(run, attempt)))
        .map(RunAssignment::placement);
  }

  /** Experts per layer that each worker owns in an attempt. */
  public Map<WorkerRank, List<Integer>> counts(UUID run, int attempt) {
    return entities
        .createQuery(
            "from PlacementCount where key.run = :run and key.attempt = :attempt order by key.layer",
            PlacementCount.class)
        .setParameter("run", run)
        .setParameter("attempt", attempt)
        .getResultStream()
        .collect(
            Collectors.groupingBy(
                count -> new WorkerRank(count.key().role(), count.key().rank()),
                TreeMap::new,
                Collectors.mapping(PlacementCount::experts, Collectors.toList())));
  }
}
