#!/usr/bin/env bash
# Packs what a machine with a GPU needs and has not: a Java, the jars, the tests of the CUDA device. That machine needs
# an NVIDIA driver and the CUDA libraries NVRTC and cuBLAS (those of PyTorch's wheels will do); nothing is fetched there.
#   benchmarks/gpu/pack.sh    writes benchmarks/target/gpu-pack.tar.gz; there: tar xf gpu-pack.tar.gz; gpu-pack/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. .mvn/use-jdk.sh

most_mib=60
pack=benchmarks/target/gpu-pack
# What no GPU is timed with: the processor's arithmetic, tokenizers, other channels, the tests' large artifacts.
left_out='/(dnnl|opencl|tokenizers|netty|aeron|agrona|jmh|kafka|kafka-clients|lz4-java|snappy-java|zstd-jni|rocksdbjni)-[0-9]'

./mvnw -q -B -ntp -DskipTests -pl benchmarks,common/cuda -am package \
  dependency:build-classpath -Dmdep.outputFile=target/gpu-classpath -DincludeScope=test
rm -rf "$pack" "$pack.tar.gz"
mkdir -p "$pack/lib"
sed 's/$/:/' common/cuda/target/gpu-classpath benchmarks/target/gpu-classpath | tr -d '\n' | tr ':' '\n' |
  grep '\.jar$' | grep -Ev "$left_out" | sort -u | xargs cp -t "$pack/lib"
cp common/cuda/target/hetermoe-cuda-[0-9]*.jar benchmarks/target/hetermoe-benchmarks-[0-9]*.jar "$pack/lib"
(cd common/cuda/target/test-classes && "$JAVA_HOME/bin/jar" -c -f - .) >"$pack/lib/cuda-tests.jar"
"$JAVA_HOME/bin/jlink" --add-modules java.se,jdk.unsupported,jdk.incubator.vector,jdk.httpserver --compress=zip-9 \
  --strip-java-debug-attributes --no-header-files --no-man-pages --output "$pack/java"
cp benchmarks/gpu/run.sh benchmarks/gpu/yardstick.py "$pack"
git rev-parse --short HEAD >"$pack/commit"
tar -C "$(dirname "$pack")" -czf "$pack.tar.gz" "$(basename "$pack")"

bytes=$(stat -c %s "$pack.tar.gz")
echo "$pack.tar.gz: $(((bytes + 1048575) / 1048576)) MiB"
if [ "$bytes" -gt $((most_mib * 1024 * 1024)) ]; then
  echo "pack.sh: it must not be larger than $most_mib MiB" >&2
  exit 1
fi
