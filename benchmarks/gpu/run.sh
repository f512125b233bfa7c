#!/usr/bin/env bash
# On a machine with a GPU: tests the CUDA device on it, then times it beside PyTorch, and prints one table.
#   run.sh [OUT]                 on the GPU; full numbers go to OUT (default: results)
#   run.sh --emulated [OUT]      a dry run without a GPU, small, on an emulated device: shows that the script works.
#                                Its times say nothing about any GPU. In a checkout it packs first; where it was packed,
#                                HETERMOE_EMULATOR names the directory of the emulator's libraries.
# HETERMOE_GPU names the device, as in cuda:1 (default: cuda, the first that is new enough).
# Ends within nine minutes: what does not fit is left out or cut off, and said. Exit code 0 if everything ran once and
# passed, 1 if not, 2 if nothing could begin.
set -uo pipefail

emulated=
if [ "${1:-}" = --emulated ]; then
  emulated=yes
  shift
fi
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -x "$here/java/bin/java" ]; then
  if [ -n "$emulated" ] && [ -x "$here/dry-run.sh" ]; then
    exec "$here/dry-run.sh" "$@"
  fi
  echo "run.sh: there is no Java beside it; pack.sh makes the folder that it runs in" >&2
  exit 2
fi
out=${1:-results}
mkdir -p "$out" && out=$(cd "$out" && pwd) || exit 2
rm -f "$out"/ours-*.jsonl "$out"/pytorch-*.jsonl "$out"/*.log "$out/table.txt" "$out/EMULATED"

begin=$SECONDS
# Limits are a GPU's. An emulated device takes the time that it takes, on a machine that may be busy.
patience=1
[ -z "$emulated" ] || patience=10
last_start=$((420 * patience))  # no further round after this many seconds
last_second=$((520 * patience)) # nothing runs on after this many; the table takes a few more
shortest=15                     # seconds that are worth starting a part for
failed=0
device=${HETERMOE_GPU:-cuda}

case $device in
  cuda | cuda:*) ;;
  *)
    echo "run.sh: HETERMOE_GPU is '$device'; it must be cuda, cuda:NUMBER or cuda:GPU-UUID" >&2
    exit 2
    ;;
esac

note() { printf '%4d s  %s\n' $((SECONDS - begin)) "$*"; }
fail() {
  failed=1
  note "FAILED: $*"
}

within() { # SECONDS COMMAND...: no longer than that, nor than the whole may take
  local left=$((last_second - (SECONDS - begin)))
  if [ $left -lt $shortest ]; then
    echo "run.sh: left out, the time is up"
    return 124
  fi
  local limit=$(($1 * patience))
  [ $limit -lt $left ] || limit=$left
  shift
  timeout -k 5 $limit "$@"
}

environment=()
if [ -n "$emulated" ]; then
  if [ -z "${HETERMOE_EMULATOR:-}" ]; then
    echo "run.sh: HETERMOE_EMULATOR must name the directory of the emulator's libraries" >&2
    exit 2
  fi
  # For Java alone: a PyTorch here must not take this driver for one.
  environment=(env "LD_LIBRARY_PATH=$HETERMOE_EMULATOR" "HETERMOE_EMULATED_GPUS=${HETERMOE_EMULATED_GPUS:-90}")
  echo "EMULATED: there is no GPU here; no time below is one of a GPU." | tee "$out/EMULATED"
elif command -v nvidia-smi >/dev/null; then
  nvidia-smi --query-gpu=name,uuid,driver_version,memory.total,clocks.max.sm --format=csv | tee "$out/gpu.csv"
fi
[ ! -f "$here/commit" ] || cp "$here/commit" "$out/commit"

python=$(command -v python3 || true)
if [ -n "$python" ]; then
  # CUDA's libraries may be nowhere but in PyTorch's wheels, in an environment that nobody activated.
  libraries=$("$python" -c '
import glob, site, sysconfig
places = {sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"], *site.getsitepackages()}
print(":".join(sorted(lib for place in places for lib in glob.glob(place + "/nvidia/*/lib"))))' 2>"$out/python.log")
  if ! within 60 "$python" -c 'import torch, transformers; print("PyTorch", torch.__version__, "transformers",
    transformers.__version__)' >>"$out/python.log" 2>&1; then
    note "no PyTorch with transformers here: timed without a peer ($(tail -n 1 "$out/python.log"))"
    python=
  fi
else
  note "no python3 here: timed without a peer"
fi

java=(${environment[@]+"${environment[@]}"} "$here/java/bin/java" --enable-native-access=ALL-UNNAMED
  --add-modules=jdk.incubator.vector --sun-misc-unsafe-memory-access=allow -XX:+UseCompactObjectHeaders -Xmx2g
  -XX:-UsePerfData "-Dhetermoe.cuda.kernels=$out/kernels" "-Dhetermoe.cuda.libraries=${libraries:-}"
  -cp "$here/lib/*")
benchmark=("${java[@]}" org.hetermoe.benchmark.gpu.GpuBenchmark "$device")

# What there is, before anything takes long: the device, and the sizes that its memory admits.
within 60 "${benchmark[@]}" >"$out/device.txt" 2>"$out/device.log"
status=$?
if [ $status -ne 0 ]; then
  tail -n 1 "$out/device.log" >&2
  [ $status -ne 124 ] || echo "run.sh: the device did not start in time" >&2
  exit 2
fi
head -n 1 "$out/device.txt"
scale=$(tail -n 1 "$out/device.txt")
peer_device=cuda
if [ -n "$emulated" ]; then
  scale=small peer_device=cpu
elif [ "$scale" = small ]; then
  echo "run.sh: this GPU has too little memory for what is timed; 16 GB are needed" >&2
  exit 2
fi
note "sizes: $scale"

note "tests of the device"
within 150 "${java[@]}" "-Dhetermoe.cuda.device=$device" "-Dhetermoe.golden=$here/golden" \
  org.junit.platform.console.ConsoleLauncher execute --disable-banner --details=summary --fail-if-no-tests \
  --select-class=org.hetermoe.compute.cuda.PresentDeviceTest \
  --select-class=org.hetermoe.parity.PresentDeviceGoldenTest >"$out/tests.log" 2>&1 ||
  fail "tests of the device, see $out/tests.log"
grep -E '[0-9]+ tests (found|successful|failed|skipped|aborted)' "$out/tests.log"
# Tests that were all skipped are none.
grep -qE '[1-9][0-9]* tests successful' "$out/tests.log" || fail "no test passed, see $out/tests.log"

if [ -z "$emulated" ]; then
  sanitizer=$(command -v compute-sanitizer || find /usr/local/cuda*/bin -name compute-sanitizer 2>/dev/null | tail -n 1)
  if [ -n "$sanitizer" ]; then
    note "compute-sanitizer on a small run"
    within 60 "$sanitizer" --target-processes all --error-exitcode 9 "${benchmark[@]}" small "$out/sanitized.jsonl" \
      step >"$out/sanitizer.log" 2>&1 || fail "compute-sanitizer ended with $?, see $out/sanitizer.log"
    tail -n 1 "$out/sanitizer.log"
  else
    note "no compute-sanitizer here: left out"
  fi
fi

ours() { # FILE PART...
  local file=$1
  shift
  within 90 "${benchmark[@]}" "$scale" "$out/$file.jsonl" "$@" >"$out/$file.log" 2>&1 ||
    fail "$* ended with $?, see $out/$file.log"
}

# In turn, so that a clock that falls with the temperature falls for both; all once before anything twice.
rounds=3
[ -z "$emulated" ] || rounds=1
for round in $(seq $rounds); do
  if [ $((SECONDS - begin)) -gt $last_start ]; then
    note "round $round left out, the time is up"
    break
  fi
  note "round $round: HeterMoE"
  ours "ours-$round" step attention
  if [ -n "$python" ]; then
    note "round $round: PyTorch"
    within 90 "$python" "$here/yardstick.py" "$scale" "$out/pytorch-$round.jsonl" "$peer_device" \
      >"$out/pytorch-$round.log" 2>&1 || fail "PyTorch ended with $?, see $out/pytorch-$round.log"
  fi
  if [ "$round" -eq 1 ]; then
    note "operations"
    ours ours-operations memory product share
  fi
done

note "done"
"$here/java/bin/java" -cp "$here/lib/*" org.hetermoe.benchmark.gpu.GpuReport "$out" | tee "$out/table.txt" || failed=1
[ -z "$emulated" ] || echo "EMULATED: there is no GPU here; no time above is one of a GPU."
exit $failed
