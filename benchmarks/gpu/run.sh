#!/usr/bin/env bash
# On a machine with a GPU: tests the CUDA device on it, then times it beside PyTorch, and prints one table.
#   run.sh [OUT]                 on the GPU; full numbers go to OUT (default: results)
#   run.sh --emulated [OUT]      a dry run without a GPU, small, on emulated devices: shows that the script works.
#                                Its times say nothing about any GPU. HETERMOE_EMULATOR names the emulator's libraries.
# Ends within nine minutes: what has not begun after seven is left out, and said.
set -uo pipefail

emulated=
if [ "${1:-}" = --emulated ]; then
  emulated=yes
  shift
fi
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-results}
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out"/ours-*.jsonl "$out"/pytorch-*.jsonl
begin=$SECONDS
last_start=420
failed=0

note() { printf '%4d s  %s\n' $((SECONDS - begin)) "$*"; }
time_left() { # whether a part may still begin
  [ $((SECONDS - begin)) -lt $last_start ] && return 0
  note "left out, the time is up: $*"
  return 1
}

flags="--enable-native-access=ALL-UNNAMED --add-modules=jdk.incubator.vector --sun-misc-unsafe-memory-access=allow"
flags="$flags -XX:+UseCompactObjectHeaders -Xmx16g"
java() { # shellcheck disable=SC2086
  "$here/java/bin/java" $flags -cp "$here/lib/*" "$@"
}

if [ -n "$emulated" ]; then
  : "${HETERMOE_EMULATOR:?run.sh: set HETERMOE_EMULATOR to the directory of the emulator\'s libraries}"
  export LD_LIBRARY_PATH="$HETERMOE_EMULATOR" HETERMOE_EMULATED_GPUS=${HETERMOE_EMULATED_GPUS:-90}
  scale=small device=cpu
  echo "EMULATED: there is no GPU here; no time below is one of a GPU." | tee "$out/EMULATED"
else
  scale=full device=cuda
  rm -f "$out/EMULATED"
  nvidia-smi --query-gpu=name,uuid,driver_version,memory.total,clocks.max.sm --format=csv | tee "$out/gpu.csv" ||
    { echo "run.sh: no NVIDIA driver here" >&2; exit 2; }
fi

note "tests of the device"
timeout 180 "$here/java/bin/java" $flags -Dhetermoe.cuda.device=cuda -cp "$here/lib/*" \
  org.junit.platform.console.ConsoleLauncher execute --disable-banner --details=summary \
  --select-class=org.hetermoe.compute.cuda.PresentDeviceTest \
  >"$out/tests.log" 2>&1 || { failed=1; note "TESTS FAILED, see $out/tests.log"; }
grep -E '[0-9]+ tests (found|successful|failed|skipped)' "$out/tests.log"

if [ -z "$emulated" ] && time_left "compute-sanitizer"; then
  sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | tail -n 1)
  if [ -n "$sanitizer" ]; then
    note "compute-sanitizer on a small run"
    timeout 90 "$sanitizer" --target-processes all --error-exitcode 9 "$here/java/bin/java" $flags -cp "$here/lib/*" \
      org.hetermoe.benchmark.gpu.GpuBenchmark cuda small "$out/sanitized.jsonl" step >"$out/sanitizer.log" 2>&1
    status=$?
    tail -n 1 "$out/sanitizer.log"
    [ $status -eq 0 ] || { failed=1; note "compute-sanitizer ended with $status, see $out/sanitizer.log"; }
  else
    note "no compute-sanitizer here: left out"
  fi
fi

python=$(command -v python3 || true)
if [ -z "$python" ] || ! "$python" -c 'import torch, transformers' 2>/dev/null; then
  note "no PyTorch with transformers here: timed without a peer"
  python=
fi

ours() { # FILE PART...
  file=$1
  shift
  timeout 120 "$here/java/bin/java" $flags -cp "$here/lib/*" org.hetermoe.benchmark.gpu.GpuBenchmark \
    cuda $scale "$out/$file.jsonl" "$@" >"$out/$file.log" 2>&1 || { failed=1; note "failed, see $out/$file.log"; }
}

# In turn, so that a clock that falls with the temperature falls for both.
for round in 1 2 3; do
  time_left "round $round" || break
  note "round $round: HeterMoE"
  ours "ours-$round" step attention
  if [ -n "$python" ]; then
    note "round $round: PyTorch"
    timeout 120 "$python" "$here/yardstick.py" $scale "$out/pytorch-$round.jsonl" $device >"$out/pytorch-$round.log" 2>&1 ||
      { failed=1; note "failed, see $out/pytorch-$round.log"; }
  fi
done
time_left "operations" && { note "operations"; ours ours-operations memory product share; }

note "done"
java org.hetermoe.benchmark.gpu.GpuReport "$out" | tee "$out/table.txt"
[ -z "$emulated" ] || echo "EMULATED: there is no GPU here; no time above is one of a GPU."
exit $failed
