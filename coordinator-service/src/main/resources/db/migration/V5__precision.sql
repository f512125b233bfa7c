-- What workers compute in; those of before know single precision alone.
alter table worker add column types jsonb not null default '["fp32"]';
alter table worker alter column types drop default;

-- How the loss of a step was scaled.
alter table step_metrics add column loss_scale jsonb;

-- Runs of before say what they did without saying it: single precision, nothing computed again.
update run set spec = jsonb_set(
    spec || '{"precision": {"attention": "fp32", "experts": "fp32"}}'::jsonb,
    '{training}',
    (spec -> 'training')
        || '{"recompute": "none", "loss_scale": {"initial": 65536.0, "growth_steps": 2000}}'::jsonb)
where not spec ? 'precision';

-- So do runs within commands that the broker has not taken yet.
update command_outbox
set command = jsonb_set(
    jsonb_set(
        command::jsonb,
        '{assignment,spec,precision}',
        '{"attention": "fp32", "experts": "fp32"}'::jsonb),
    '{assignment,spec,training}',
    ((command::jsonb) #> '{assignment,spec,training}')
        || '{"recompute": "none", "loss_scale": {"initial": 65536.0, "growth_steps": 2000}}'::jsonb
    )::text
where ((command::jsonb) -> 'assignment') ? 'spec'
  and not ((command::jsonb) #> '{assignment,spec}') ? 'precision';
