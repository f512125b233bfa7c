#!/usr/bin/env bash
# The GPU script's dry run, which run.sh --emulated of a checkout calls: packs, unpacks into an empty folder, and runs
# the script there on an emulated device with nothing of this user's surroundings but PATH. It says nothing of speed.
#   dry-run.sh [OUT]    default of OUT: benchmarks/target/gpu-emulated
# HETERMOE_EMULATED_GPUS chooses the device: 90 (default) or another compute capability.
set -euo pipefail
caller=$PWD
cd "$(dirname "$0")/../.."
. .mvn/use-jdk.sh

out=benchmarks/target/gpu-emulated
[ $# -eq 0 ] || out=$(cd "$caller" && realpath -m "$1")
mkdir -p "$out"
out=$(realpath "$out")

# Unpacking NVRTC belongs to the tests, which are skipped here; the emulated device compiles with it all the same.
benchmarks/gpu/pack.sh -Dnvrtc.skip=false
emulator=$("$JAVA_HOME/bin/java" -cp common/cuda-emulator/target/classes org.hetermoe.emulator.PrintLibraries)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/home"
tar -C "$work" -xf benchmarks/target/gpu-pack.tar.gz
cd "$work"
env -i PATH="$PATH" HOME="$work/home" HETERMOE_EMULATOR="$emulator" \
  HETERMOE_EMULATED_GPUS="${HETERMOE_EMULATED_GPUS:-90}" gpu-pack/run.sh --emulated "$out"
