# The coordinator service, of what ./mvnw package has built. From the repository root:
#   docker/build.sh, or docker build -f docker/coordinator.Dockerfile -t hetermoe/coordinator:0.1.0-SNAPSHOT .
ARG JDK_IMAGE=eclipse-temurin:25.0.3_9-jdk-noble
ARG BASE_IMAGE=debian:12.15-slim
ARG KAFKA_IMAGE=apache/kafka:4.1.1

FROM ${KAFKA_IMAGE} AS kafka

# A Java of the modules that are used, and with it what the service learns from running once.
FROM ${JDK_IMAGE} AS java
COPY docker/java-modules /tmp/
RUN jlink --add-modules "$(paste -sd, /tmp/java-modules)" --compress=zip-6 \
      --no-header-files --no-man-pages --output /opt/hetermoe/java
COPY docker/jvm.options /opt/hetermoe/
COPY coordinator-service/target/quarkus-app /opt/hetermoe/app
# It neither computes nor cuts text into tokens; the libraries for that come along with what it shares with workers.
RUN rm /opt/hetermoe/app/lib/main/org.bytedeco.dnnl-*-linux-x86_64.jar /opt/hetermoe/app/lib/main/ai.djl.huggingface.tokenizers-*.jar
COPY --from=kafka /opt/kafka/libs /recording/kafka
COPY docker/record-aot-cache /usr/local/bin/
RUN record-aot-cache coordinator

FROM ${BASE_IMAGE}
COPY --from=java /opt/hetermoe /opt/hetermoe
COPY docker/start docker/healthy /usr/local/bin/
WORKDIR /tmp
ENV PATH=/opt/hetermoe/java/bin:$PATH \
    LANG=C.UTF-8 \
    QUARKUS_HTTP_HOST=0.0.0.0 \
    QUARKUS_HTTP_PORT=8080
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=6 CMD ["healthy", "8080"]
ENTRYPOINT ["start"]
