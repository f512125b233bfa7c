-- What was measured between two workers, in one direction. Kept until the pair is measured again.
create table worker_link (
  from_worker text not null,
  to_worker text not null,
  bytes_per_second double precision not null check (bytes_per_second > 0),
  latency_seconds double precision not null check (latency_seconds >= 0),
  measured_at timestamptz not null,
  primary key (from_worker, to_worker)
);
