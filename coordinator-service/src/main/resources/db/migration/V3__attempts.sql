-- In machine learning an epoch is a pass over the data; a try at a run is an attempt.
alter table run rename column epoch to attempt;
alter table assignment rename column epoch to attempt;
alter table assignment_member rename column epoch to attempt;
alter table placement_count rename column epoch to attempt;
alter table run_plan rename column epoch to attempt;
alter table step_metrics rename column epoch to attempt;
alter table checkpoint rename column epoch to attempt;

update run_plan set plan = plan - 'epoch' || jsonb_build_object('attempt', plan -> 'epoch')
where plan ? 'epoch';

-- Commands that the broker has not taken yet.
update command_outbox
set command = ((command::jsonb) - 'epoch'
    || jsonb_build_object('attempt', (command::jsonb) -> 'epoch'))::text
where (command::jsonb) ? 'epoch';
