package org.hetermoe.coordinator.worker;

import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.Heartbeat;
import org.hetermoe.tensor.DType;
import org.hibernate.annotations.DynamicUpdate;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.type.SqlTypes;

/** A worker that was heard of at some time. */
@Entity
@Table(name = "worker")
@DynamicUpdate
class KnownWorker {
  @Id private String id;

  @Column(nullable = false)
  private UUID instance;

  @Enumerated(EnumType.STRING)
  @Column(nullable = false)
  private WorkerRank.Role role;

  @Column(nullable = false)
  private String host;

  @Column(nullable = false)
  private int port;

  @Column(name = "partition_number", nullable = false)
  private int partition;

  @Column(name = "http_url", nullable = false)
  private String httpUrl;

  @Column(nullable = false)
  private String compute;

  @JdbcTypeCode(SqlTypes.JSON)
  @Column(nullable = false)
  private List<DType> types;

  @Column(name = "software_version", nullable = false)
  private String softwareVersion;

  @Column(name = "first_seen_at", nullable = false, updatable = false)
  private Instant firstSeenAt;

  @Column(name = "last_heartbeat_at", nullable = false)
  private Instant lastHeartbeatAt;

  protected KnownWorker() {}

  KnownWorker(Heartbeat heartbeat, Instant at) {
    this.id = heartbeat.worker();
    this.firstSeenAt = at;
    update(heartbeat, at);
  }

  final void update(Heartbeat heartbeat, Instant at) {
    instance = heartbeat.instance();
    role = heartbeat.role();
    host = heartbeat.host();
    port = heartbeat.port();
    partition = heartbeat.partition();
    httpUrl = heartbeat.httpUrl();
    compute = heartbeat.compute();
    types = heartbeat.types();
    softwareVersion = heartbeat.softwareVersion();
    lastHeartbeatAt = at;
  }

  String id() {
    return id;
  }

  Instant firstSeenAt() {
    return firstSeenAt;
  }

  Instant lastHeartbeatAt() {
    return lastHeartbeatAt;
  }

  /** What it last said, as far as it is stored; of no run. */
  Heartbeat heartbeat() {
    return new Heartbeat(
        id,
        instance,
        role,
        host,
        port,
        partition,
        httpUrl,
        compute,
        types,
        softwareVersion,
        null,
        0,
        0);
  }
}
