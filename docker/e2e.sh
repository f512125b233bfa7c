#!/usr/bin/env bash
# The compose stack from end to end, on a machine with a Docker engine: builds the images, brings the
# stack up, trains, holds the losses against the one-machine stack's to the last bit, ends one expert
# container gently and one by force, goes on, and takes everything down.
#   docker/e2e.sh            builds the images first
#   docker/e2e.sh --no-build with the images that are there
# Where the engine reaches no registry: docker/base-images.sh before it.
set -euo pipefail
cd "$(dirname "$0")/.."
. docker/images.env

if ! problem=$(docker version 2>&1 >/dev/null); then
  echo "e2e: needs a Docker engine, and none answers here: $problem" >&2
  exit 1
fi

export HETERMOE_PORT=${HETERMOE_PORT:-18080}
coordinator=http://127.0.0.1:$HETERMOE_PORT
project=hetermoe-e2e
work=$(mktemp -d "${TMPDIR:-/tmp}/hetermoe-e2e.XXXXXX")
compose() { docker compose --progress quiet --project-name "$project" --file docker/compose.yaml "$@"; }
remote() { ./hetermoe "$@" --coordinator "$coordinator"; }

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

fail() {
  say "FAILED: $*" >&2
  compose ps --all >&2 || true
  compose logs --no-color >"$work/compose.log" 2>&1 || true
  echo "logs: $work" >&2
  trap - EXIT
  compose down --volumes --timeout 5 >/dev/null 2>&1 || true
  docker rm --force "$project-squatter" >/dev/null 2>&1 || true
  exit 1
}
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR
trap 'fail interrupted' INT TERM

field() { # of the last line of the events in a file: the value of a key
  tail -n 1 "$1" | grep -o "\"$2\":\(\[[^]]*\]\|\"[^\"]*\"\|[^,}]*\)" | head -n 1 | sed 's/^"[^"]*"://; s/^"//; s/"$//'
}

until_step() { # waits until the run in an event file has reached a step
  for ((i = 0; i < 600; i++)); do
    [ "$(grep -c '"event":"step"' "$1")" -ge "$2" ] && return
    sleep 0.2
  done
  fail "step $2 was not reached"
}

same() { # two files of events: losses to the last bit
  [ -n "$(field "$1" losses)" ] && [ "$(field "$1" losses)" = "$(field "$2" losses)" ] ||
    fail "losses differ: $1 $2"
}

address() { docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(compose ps --all --quiet "$1")"; }

./hetermoe --version >/dev/null # builds what is not built
if [ "${1-}" != --no-build ]; then
  say "building the images"
  docker/build.sh | grep -v ^building
fi
docker/secrets.sh

say "bringing the stack up"
before=$SECONDS
compose up --detach --wait
say "up and healthy after $((SECONDS - before)) s"
for service in coordinator attention-0 expert-0 expert-1; do
  docker inspect --format "        $service: user {{.Config.User}}, read-only root {{.HostConfig.ReadonlyRootfs}}, capabilities dropped {{.HostConfig.CapDrop}}" \
    "$(compose ps --quiet "$service")"
done

run=(train examples/quickstart.yaml --json --set workers.experts=2)
say "training 20 steps in containers, and on the one-machine stack"
remote "${run[@]}" --set training.steps=20 >"$work/containers.jsonl" 2>"$work/containers.err"
./hetermoe "${run[@]}" --set training.steps=20 --data-dir "$work/local" >"$work/local.jsonl" 2>"$work/local.err"
same "$work/containers.jsonl" "$work/local.jsonl"
say "the same 20 losses to the last bit, the last $(field "$work/local.jsonl" losses | tr -d '[]' | awk -F, '{ print $NF }')"
remote "${run[@]}" --set training.steps=20 --set channel=kafka >"$work/kafka.jsonl" 2>"$work/kafka.err"
same "$work/kafka.jsonl" "$work/local.jsonl"
say "and over the broker"

say "a run of 400 steps, uninterrupted"
remote "${run[@]}" --set training.steps=400 >"$work/whole.jsonl" 2>"$work/whole.err"
say "the same run; after 20 steps expert-1 is told to end"
remote "${run[@]}" --set training.steps=400 >"$work/stopped.jsonl" 2>"$work/stopped.err" &
training=$!
until_step "$work/stopped.jsonl" 20
old=$(address expert-1)
before=$SECONDS
compose stop expert-1
say "it was gone after $((SECONDS - before)) s"
wait "$training" || true
id=$(field "$work/stopped.jsonl" run)
[ "$(field "$work/stopped.jsonl" state)" = stopped ] || fail "the run is $(field "$work/stopped.jsonl" state): $(field "$work/stopped.jsonl" reason)"
say "the run is stopped: $(field "$work/stopped.jsonl" reason)"

# Somebody else takes its address meanwhile.
docker run --detach --name "$project-squatter" --network "${project}_default" --entrypoint sleep "$BASE_IMAGE" 600 >/dev/null
compose up --detach --wait expert-1
say "expert-1 is back at $(address expert-1), it was at $old"
[ "$(address expert-1)" != "$old" ] || fail "the address did not change"

say "resumed; after 20 more steps expert-0 is killed"
remote resume "$id" --json >"$work/resumed.jsonl" 2>"$work/resumed.err" &
training=$!
until_step "$work/resumed.jsonl" 20
compose kill expert-0
compose up --detach --wait expert-0
wait "$training" || true
[ "$(field "$work/resumed.jsonl" state)" = completed ] || fail "the run is $(field "$work/resumed.jsonl" state)"
say "the run has recovered: $(grep -m 1 '"state":"recovering"' "$work/resumed.jsonl" | sed 's/.*"reason":"//; s/"}.*//')"
same "$work/resumed.jsonl" "$work/whole.jsonl"
say "completed, with the 400 losses of the run that nobody disturbed"

say "taking everything down"
docker rm --force "$project-squatter" >/dev/null
before=$SECONDS
compose down --volumes
for kind in container volume network; do
  all=$([ "$kind" = container ] && echo --all || true)
  # shellcheck disable=SC2086 # nothing, or one word
  left=$(docker "$kind" ls $all --quiet --filter "label=com.docker.compose.project=$project")
  [ -z "$left" ] || fail "left over: $kind $left"
done
say "down after $((SECONDS - before)) s, nothing is left"
docker image ls --format '        {{.Repository}}:{{.Tag}} {{.Size}}' | grep -F ":$VERSION" | sort
trap - ERR
rm -rf "$work"
say "all is well"
