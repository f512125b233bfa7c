-- How fast devices are. A device is known by what it calls itself and the software that measured it:
-- where either is another, the profile is taken anew.
create table device_profile (
  device text not null,
  software_version text not null,
  at timestamptz not null,
  profile jsonb not null,
  primary key (device, software_version)
);

-- What was planned for an attempt: first at its start, then at every move of experts.
create table run_plan (
  run_id uuid not null,
  epoch integer not null,
  number integer not null check (number >= 0),
  created_at timestamptz not null,
  from_step integer,
  plan jsonb not null,
  primary key (run_id, epoch, number),
  foreign key (run_id, epoch) references assignment on delete cascade
);

-- Experts may belong to attention workers.
alter table placement_count add column role text not null default 'EXPERT'
  check (role in ('ATTENTION', 'EXPERT'));
alter table placement_count alter column role drop default;
alter table placement_count drop constraint placement_count_pkey;
alter table placement_count add primary key (run_id, epoch, role, layer, rank);

-- Owners were ranks of expert workers; now they are named.
update assignment set placement = (
  select jsonb_agg(
      (select jsonb_agg('expert-' || (owner.value #>> '{}') order by owner.ordinality)
       from jsonb_array_elements(layer.value) with ordinality as owner)
      order by layer.ordinality)
  from jsonb_array_elements(placement) with ordinality as layer)
where jsonb_typeof(placement -> 0 -> 0) = 'number';

-- Runs of before say what they did without saying it: placed as counted, zig-zag, nothing moved.
update run set spec = jsonb_set(
    spec || jsonb_build_object(
        'planning',
        '{"planner": "none", "asym_ea": false, "rebalance": false,
          "rebalance_threshold": 0.05, "rebalance_every": 20}'::jsonb,
        'emulation',
        '{"attention": "", "experts": "", "time_scale": 1.0,
          "width_scale": 1, "length_scale": 1}'::jsonb),
    '{training,schedule}', '"zebra"')
where not spec ? 'planning';

-- What each worker took, and how many rows each expert computed.
alter table step_metrics add column workers jsonb;
alter table step_metrics add column expert_rows jsonb;
