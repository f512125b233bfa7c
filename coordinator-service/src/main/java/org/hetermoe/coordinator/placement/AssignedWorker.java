package org.hetermoe.coordinator.placement;

import jakarta.persistence.Column;
import jakarta.persistence.Embeddable;
import jakarta.persistence.EmbeddedId;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.Locale;
import java.util.UUID;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Assignment;
import org.hetermoe.run.Event;

/** A rank of the group of an attempt, the worker that it was assigned to, and how far it is. */
@Entity
@Table(name = "assignment_member")
public class AssignedWorker {
  @EmbeddedId private Key key;

  @Column(nullable = false)
  private String worker;

  @Column(nullable = false)
  private UUID instance;

  @Column(nullable = false)
  private String host;

  @Column(nullable = false)
  private int port;

  @Column(name = "partition_number", nullable = false)
  private int partition;

  @Column(name = "prepared_at")
  private Instant preparedAt;

  @Column(name = "finished_at")
  private Instant finishedAt;

  @Column(name = "finished_steps")
  private Integer finishedSteps;

  @Column(name = "finished_early")
  private Boolean finishedEarly;

  /** For Hibernate. */
  protected AssignedWorker() {}

  AssignedWorker(UUID run, int attempt, Assignment.Member member) {
    this.key = new Key(run, attempt, member.peer().role(), member.peer().rank());
    this.worker = member.worker();
    this.instance = member.instance();
    this.host = member.host();
    this.port = member.port();
    this.partition = member.partition();
  }

  /** The member as workers know it. */
  public Assignment.Member member() {
    return new Assignment.Member(rank(), worker, instance, host, port, partition);
  }

  /** Role and rank. */
  public WorkerRank rank() {
    return new WorkerRank(key.role(), key.rank());
  }

  /** Stable id of the worker in which it lives. */
  public String worker() {
    return worker;
  }

  /** Its worker for people, as {@code expert worker expert-1}. */
  public String label() {
    return key.role().name().toLowerCase(Locale.ROOT) + " worker " + worker;
  }

  /** The process in which it lives. */
  public UUID instance() {
    return instance;
  }

  /** Whether it has reported that it can start. */
  public boolean prepared() {
    return preparedAt != null;
  }

  /** Whether it has reported that it has done its part. */
  public boolean finished() {
    return finishedAt != null;
  }

  /** The last step it did; null until it has finished. */
  public Integer finishedSteps() {
    return finishedSteps;
  }

  /** Whether it ended because it was told to stop. */
  public boolean finishedEarly() {
    return Boolean.TRUE.equals(finishedEarly);
  }

  /** Notes that it can start. */
  public void notePrepared(Instant at) {
    if (preparedAt == null) {
      preparedAt = at;
    }
  }

  /** Notes that it has done its part. */
  public void noteFinished(Event.Finished event, Instant at) {
    if (finishedAt == null) {
      finishedAt = at;
      finishedSteps = event.steps();
      finishedEarly = event.stopped();
    }
  }

  /** Attempt, role and rank. */
  @Embeddable
  record Key(
      @Column(name = "run_id") UUID run,
      @Column(name = "attempt") int attempt,
      @Enumerated(EnumType.STRING) @Column(name = "role") WorkerRank.Role role,
      @Column(name = "rank") int rank) {}
}
