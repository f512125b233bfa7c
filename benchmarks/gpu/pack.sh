#!/usr/bin/env bash
# Packs what a machine with a GPU needs and has not: a Java, the jars, the tests of the CUDA device. That machine needs
# an NVIDIA driver and the CUDA libraries NVRTC and cuBLAS (those of PyTorch's wheels do); nothing is fetched there.
#   benchmarks/gpu/pack.sh    writes benchmarks/target/gpu-pack.tar.gz; there: tar xf gpu-pack.tar.gz; gpu-pack/run.sh
# Arguments are passed to Maven.
set -euo pipefail
cd "$(dirname "$0")/../.."
. .mvn/use-jdk.sh

most_mib=60
pack=benchmarks/target/gpu-pack
# What neither the device nor its tests touch: the processor's arithmetic, tokenizers, other channels, JMH, Kafka,
# and what the emulator and the layers' tests need.
left_out='/(dnnl|javacpp|opencl|tokenizers|api-0|commons-[a-z0-9]+|gson|jna|netty-[a-z]+|aeron-[a-z]+|agrona|jmh-core'
left_out+='|jopt-simple|kafka-clients|lz4-java|snappy-java|zstd-jni|archunit[a-z0-9-]*|byte-buddy|hamcrest|awaitility'
left_out+='|hetermoe-cuda-emulator)-?[0-9.]'
modules=java.base,java.compiler,java.logging,java.management,java.naming,java.net.http,java.sql,java.xml
modules+=,jdk.httpserver,jdk.incubator.vector,jdk.jfr,jdk.management,jdk.net,jdk.unsupported

./mvnw -q -B -ntp -DskipTests "$@" -pl benchmarks,common/cuda -am package \
  dependency:build-classpath -Dmdep.outputFile=target/gpu-classpath -DincludeScope=test
rm -rf "$pack" "$pack.tar.gz"
mkdir -p "$pack/lib"
for classpath in common/cuda/target/gpu-classpath benchmarks/target/gpu-classpath; do
  tr ':' '\n' <"$classpath"
  echo
done | grep '\.jar$' | grep -Ev "$left_out" | sort -u | xargs cp -t "$pack/lib"
cp common/cuda/target/hetermoe-cuda-[0-9]*.jar benchmarks/target/hetermoe-benchmarks-[0-9]*.jar "$pack/lib"
"$JAVA_HOME/bin/jar" --create --file "$pack/lib/cuda-tests.jar" -C common/cuda/target/test-classes .
cp -r common/engine/src/test/resources/golden "$pack/golden"
"$JAVA_HOME/bin/jlink" --add-modules "$modules" --compress=zip-9 --strip-java-debug-attributes --no-header-files \
  --no-man-pages --output "$pack/java"
cp benchmarks/gpu/run.sh benchmarks/gpu/yardstick.py "$pack"
git describe --always --dirty >"$pack/commit"
tar -C "$(dirname "$pack")" -czf "$pack.tar.gz" "$(basename "$pack")"

bytes=$(stat -c %s "$pack.tar.gz")
echo "$pack.tar.gz: $bytes bytes, $(((bytes + 1048575) / 1048576)) MiB"
if [ "$bytes" -gt $((most_mib * 1024 * 1024)) ]; then
  echo "pack.sh: it must not be larger than $most_mib MiB" >&2
  exit 1
fi
