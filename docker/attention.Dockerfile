# The attention service, of what ./mvnw package has built. From the repository root:
#   docker/build.sh, or docker build -f docker/attention.Dockerfile -t hetermoe/attention:0.1.0-SNAPSHOT .
# BASE_IMAGE is what it runs on: Debian, or CUDA 12 for the image with -cuda in its tag.
ARG JDK_IMAGE=eclipse-temurin:25.0.3_9-jdk-noble
ARG BASE_IMAGE=debian:12.15-slim
ARG KAFKA_IMAGE=apache/kafka:4.1.1

FROM ${KAFKA_IMAGE} AS kafka

# A Java of the modules that are used, and with it what the service learns from running once.
FROM ${JDK_IMAGE} AS java
COPY docker/java-modules /tmp/
RUN jlink --add-modules "$(paste -sd, /tmp/java-modules)" --compress=zip-6 \
      --no-header-files --no-man-pages --output /opt/hetermoe/java
COPY docker/jdk-text /usr/local/bin/
# The text of runs that say data.source: jdk.
RUN jdk-text "$JAVA_HOME/lib/src.zip" /opt/hetermoe/java/lib/src.zip
COPY docker/jvm.options /opt/hetermoe/
COPY attention-service/target/quarkus-app /opt/hetermoe/app
COPY coordinator-service/target/quarkus-app /recording/coordinator
COPY --from=kafka /opt/kafka/libs /recording/kafka
COPY docker/record-aot-cache /usr/local/bin/
RUN record-aot-cache attention

FROM ${BASE_IMAGE}
COPY --from=java /opt/hetermoe /opt/hetermoe
COPY docker/start docker/healthy /usr/local/bin/
RUN install -d -o 10001 -g 10001 /var/lib/hetermoe && install -d /text
WORKDIR /var/lib/hetermoe
ENV PATH=/opt/hetermoe/java/bin:$PATH \
    LANG=C.UTF-8 \
    DJL_CACHE_DIR=/var/lib/hetermoe/native \
    XDG_CACHE_HOME=/var/lib/hetermoe/cache \
    HETERMOE_WORKER_DATA_DIRECTORY=/var/lib/hetermoe/tokens \
    HETERMOE_WORKER_DIRECT_HOST=0.0.0.0 \
    HETERMOE_WORKER_DIRECT_PORT=7070 \
    QUARKUS_HTTP_HOST=0.0.0.0 \
    QUARKUS_HTTP_PORT=8081
USER 10001:10001
VOLUME /var/lib/hetermoe
EXPOSE 8081 7070
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=6 CMD ["healthy", "8081"]
ENTRYPOINT ["start"]
