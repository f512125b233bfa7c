package org.hetermoe.checkpoint.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.hetermoe.api.ApiException;
import org.hetermoe.api.ClientSettings;
import org.hetermoe.api.CoordinatorClient;
import org.hetermoe.api.RetryPolicy;
import org.hetermoe.checkpoint.CheckpointReader;
import org.hetermoe.checkpoint.Shard;
import org.hetermoe.checkpoint.http.CheckpointServer.Fault;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HttpCheckpointStoreTest {
  private static final UUID RUN = UUID.randomUUID();
  private static final RetryPolicy QUICK =
      new RetryPolicy(Duration.ofMillis(500), Duration.ofMillis(5), Duration.ofMillis(50));

  private final Arena arena = Arena.ofShared();
  private CheckpointServer server;
  private CoordinatorClient client;
  private HttpCheckpointStore store;

  @BeforeEach
  void start() throws IOException {
    server = new CheckpointServer(0);
    client = new CoordinatorClient(ClientSettings.of(server.uri()).withRetry(QUICK));
    store = new HttpCheckpointStore(client);
  }

  @AfterEach
  void stop() {
    client.close();
    server.close();
    arena.close();
  }

  @Test
  void whatIsWrittenInChunksComesBackByName() throws IOException {
    Shard attention = shard("model.norm.weight", 7, "lm_head.weight", 2_600_000);
    Shard expert = shard("experts.0.w1.weight", 1);

    store.write(RUN, 1, 20, "attention-0", attention);
    store.write(RUN, 1, 20, "expert-0", expert);

    assertThat(server.largestChunk).hasValue(HttpCheckpointStore.CHUNK_BYTES);
    assertThat(server.requests)
        .contains(
            "PUT /api/v1/runs/" + RUN + "/checkpoints/20/shards/attention-0/chunks/2?attempt=1",
            "POST /api/v1/runs/" + RUN + "/checkpoints/20/shards/attention-0?attempt=1");
    try (CheckpointReader checkpoint = store.open(RUN, 20)) {
      assertComesBack(checkpoint, attention);
      assertComesBack(checkpoint, expert);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"HANG_UP", "UNAVAILABLE"})
  void writingOutlastsPassingFaults(Fault fault) throws IOException {
    server.faults.addAll(List.of(fault, fault, fault));

    store.write(RUN, 1, 20, "expert-0", shard("w", 100));

    assertThat(server.shard("expert-0")).isNotNull();
    assertThat(server.faults).isEmpty();
  }

  @Test
  void writingOutlastsACoordinatorThatIsAway() throws Exception {
    int port = server.port();
    server.close();
    CompletableFuture<Void> writing =
        CompletableFuture.runAsync(
            () -> {
              try {
                store.write(RUN, 1, 20, "expert-0", shard("w", 100));
              } catch (IOException e) {
                throw new IllegalStateException(e);
              }
            });
    Thread.sleep(100);
    assertThat(writing).isNotDone();
    server = new CheckpointServer(port);

    writing.get(5, TimeUnit.SECONDS);

    assertThat(server.shard("expert-0")).isNotNull();
  }

  @Test
  void aRefusalIsFinalAndCarriesTheCoordinatorsWords() {
    server.faults.add(Fault.CONFLICT);

    assertThatThrownBy(() -> store.write(RUN, 1, 20, "expert-0", shard("w", 100)))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "shard expert-0 of checkpoint 20 of run "
                + RUN
                + " cannot be stored: attempt 1 is over")
        .cause()
        .isInstanceOfSatisfying(
            ApiException.class, problem -> assertThat(problem.status()).isEqualTo(409));
    assertThat(server.requests).hasSize(1);
  }

  @Test
  void patienceEnds() {
    server.close();

    assertThatThrownBy(() -> store.write(RUN, 1, 20, "expert-0", shard("w", 100)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("the coordinator at " + server.uri() + " does not answer")
        .hasRootCauseInstanceOf(ClosedChannelException.class);
  }

  @ParameterizedTest
  @EnumSource(names = {"HANG_UP", "UNAVAILABLE", "BIT_TURNED", "SHORT", "NO_RANGE"})
  void readingOutlastsPassingHarm(Fault fault) throws IOException {
    Shard shard = shard("w", 1000);
    store.write(RUN, 1, 20, "expert-0", shard);
    try (CheckpointReader checkpoint = store.open(RUN, 20)) {
      server.faults.addAll(List.of(fault, fault));

      assertComesBack(checkpoint, shard);
    }
    assertThat(server.faults).isEmpty();
  }

  @Test
  void harmThatStaysFailsTheRead() throws IOException {
    store.write(RUN, 1, 20, "expert-0", shard("w", 1000));
    try (CheckpointReader checkpoint = store.open(RUN, 20)) {
      for (int i = 0; i < 100; i++) {
        server.faults.add(Fault.BIT_TURNED);
      }

      assertThatThrownBy(() -> checkpoint.read("w", arena.allocate(4000)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("checksum");
    }
  }

  @Test
  void aShardThatIsNoSafetensorsFileIsRejectedByName() throws IOException {
    server.put("expert-0", new byte[] {9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, List.of("w"));
    try (CheckpointReader checkpoint = store.open(RUN, 20)) {
      assertThatThrownBy(() -> checkpoint.read("w", arena.allocate(4)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("shard expert-0");
    }
  }

  @Test
  void wrongNamesSizesAndStepsAreRejected() throws IOException {
    assertThatThrownBy(() -> store.open(RUN, 20))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no such checkpoint");
    store.write(RUN, 1, 20, "expert-0", shard("w", 10));
    try (CheckpointReader checkpoint = store.open(RUN, 20)) {
      assertThatThrownBy(() -> checkpoint.read("v", arena.allocate(40)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no tensor 'v'");
      assertThatThrownBy(() -> checkpoint.read("w", arena.allocate(44)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("40 bytes");
    }
  }

  @Test
  void aWriterCanBeInterruptedWhileItWaits() throws Exception {
    server.close();
    CompletableFuture<Throwable> end = new CompletableFuture<>();
    CoordinatorClient patientClient = new CoordinatorClient(ClientSettings.of(server.uri()));
    HttpCheckpointStore patient = new HttpCheckpointStore(patientClient);
    Thread writer =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    patient.write(RUN, 1, 20, "expert-0", shard("w", 10));
                    end.complete(null);
                  } catch (IOException e) {
                    end.complete(e);
                  }
                });
    Thread.sleep(50);

    writer.interrupt();

    assertThat(end.get(2, TimeUnit.SECONDS)).isInstanceOf(InterruptedIOException.class);
    patientClient.close();
  }

  private void assertComesBack(CheckpointReader checkpoint, Shard shard) throws IOException {
    for (Map.Entry<String, Shard.Entry> tensor : shard.tensors().entrySet()) {
      MemorySegment expected = tensor.getValue().data();
      MemorySegment target = arena.allocate(expected.byteSize(), 64);
      checkpoint.read(tensor.getKey(), target);
      assertThat(target.mismatch(expected)).as(tensor.getKey()).isEqualTo(-1);
    }
  }

  /** A shard of tensors with names and numbers of elements in turn. */
  private Shard shard(Object... namesAndSizes) {
    Random random = new Random(7);
    Map<String, Shard.Entry> tensors = new LinkedHashMap<>();
    for (int i = 0; i < namesAndSizes.length; i += 2) {
      int elements = (int) namesAndSizes[i + 1];
      MemorySegment data = arena.allocate(4L * elements, 64);
      for (int element = 0; element < elements; element++) {
        data.setAtIndex(ValueLayout.JAVA_FLOAT, element, random.nextFloat());
      }
      tensors.put((String) namesAndSizes[i], new Shard.Entry(Shape.of(elements), data));
    }
    return new Shard(tensors);
  }
}
