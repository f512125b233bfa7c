#!/usr/bin/env bash
# Builds the images of the three services from what ./mvnw package has built.
#   docker/build.sh          hetermoe/{coordinator,attention,expert}:VERSION
#   docker/build.sh --cuda   hetermoe/{attention,expert}:VERSION-cuda, on a CUDA 12 base
set -euo pipefail
cd "$(dirname "$0")/.."
. docker/images.env

case ${1-} in
  '') services="coordinator attention expert" base=$BASE_IMAGE suffix= ;;
  --cuda) services="attention expert" base=$CUDA_IMAGE suffix=-cuda ;;
  *) echo "build: docker/build.sh [--cuda]" >&2; exit 2 ;;
esac
if ! command -v docker >/dev/null || ! problem=$(docker version 2>&1 >/dev/null); then
  echo "build: images need a Docker engine, and none answers here: ${problem:-there is no docker command}" >&2
  exit 1
fi
for service in coordinator $services; do
  if [ ! -f "$service-service/target/quarkus-app/quarkus-run.jar" ]; then
    echo "build: the $service service is not built: run ./mvnw package, or ./mvnw package -Pimages for both" >&2
    exit 1
  fi
done

for service in $services; do
  tag=hetermoe/$service:$VERSION$suffix
  echo "building $tag"
  # With the builder that this client has: one without buildx refuses to be told to use BuildKit.
  docker build --quiet --file "docker/$service.Dockerfile" --tag "$tag" \
    --build-arg JDK_IMAGE="$JDK_IMAGE" --build-arg BASE_IMAGE="$base" --build-arg KAFKA_IMAGE="$KAFKA_IMAGE" . >/dev/null
  docker image ls --format '{{.Repository}}:{{.Tag}} {{.Size}}' "$tag"
done
