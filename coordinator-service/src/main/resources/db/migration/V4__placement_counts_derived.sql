-- How many experts a worker owns follows from assignment.placement.
drop table placement_count;

-- Of commands that the broker has not taken yet, V3 overlooked the assignment within a prepare.
update command_outbox
set command = jsonb_set(
    (command::jsonb) #- '{assignment,epoch}',
    '{assignment,attempt}',
    (command::jsonb) #> '{assignment,epoch}')::text
where ((command::jsonb) -> 'assignment') ? 'epoch';
