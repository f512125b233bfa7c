-- Another attempt follows one that could not go on, later each time, with as many workers as there are.
alter table run add column expert_workers integer;
alter table run add column recoveries integer not null default 0;
alter table run add column retry_at timestamptz;

alter table run drop constraint run_state_check;
alter table run add constraint run_state_check check (state in
  ('submitted', 'preparing', 'running', 'recovering', 'stopping', 'completed', 'stopped', 'failed'));
drop index run_not_ended;
create index run_not_ended on run (queued_at, id)
  where state in ('submitted', 'preparing', 'running', 'recovering', 'stopping');
