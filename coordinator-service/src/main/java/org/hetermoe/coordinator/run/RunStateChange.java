package org.hetermoe.coordinator.run;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.GenerationType;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.UUID;
import org.hetermoe.api.RunView;

/** When a run came into a state, and why. */
@Entity
@Table(name = "run_state_change")
class RunStateChange {
  @Id
  @GeneratedValue(strategy = GenerationType.IDENTITY)
  private Long id;

  @Column(name = "run_id", nullable = false)
  private UUID run;

  @Column(nullable = false)
  private String state;

  @Column(nullable = false)
  private Instant at;

  @Column(nullable = false)
  private String reason;

  protected RunStateChange() {}

  RunStateChange(UUID run, RunState state, Instant at) {
    this.run = run;
    this.state = state.label();
    this.at = at;
    this.reason = state.reason();
  }

  Long id() {
    return id;
  }

  UUID run() {
    return run;
  }

  RunView.StateChange view() {
    return new RunView.StateChange(state, at, reason);
  }
}
