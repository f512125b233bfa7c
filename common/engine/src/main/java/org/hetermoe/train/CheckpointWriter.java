package org.hetermoe.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.hetermoe.checkpoint.CheckpointStore;
import org.hetermoe.checkpoint.Shard;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.nn.Parameter;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.optim.LossScaler;

/**
 * Stores a worker's shards in the background: the snapshot is taken at once, the upload runs while
 * training goes on. At most one upload is under way; the next one waits for it.
 */
final class CheckpointWriter implements AutoCloseable {
  private final Compute compute;
  private final CheckpointStore store;
  private final UUID run;
  private final int attempt;
  private final String shard;
  private final ExecutorService uploads;
  private Future<?> underWay;

  CheckpointWriter(Compute compute, CheckpointStore store, UUID run, int attempt, String shard) {
    this.compute = compute;
    this.store = store;
    this.run = run;
    this.attempt = attempt;
    this.shard = shard;
    uploads = Executors.newSingleThreadExecutor(Thread.ofVirtual().name("checkpoint").factory());
  }

  /**
   * Snapshots and starts to store.
   *
   * @param parameters calls its argument with every parameter set of the worker
   * @param lossScale state of the loss scale, if the worker stores it
   * @throws RuntimeException if a copy fails; nothing is stored then, and nothing kept
   */
  void write(
      int step, Consumer<Consumer<ParameterSet>> parameters, Optional<LossScaler.State> lossScale)
      throws InterruptedException {
    await();
    Arena arena = Arena.ofShared();
    boolean handedOver = false;
    try {
      Shard content = snapshot(parameters, lossScale, arena);
      underWay =
          uploads.submit(
              () -> {
                try (arena) {
                  store.write(run, attempt, step, shard, content);
                }
                return null;
              });
      handedOver = true;
    } finally {
      // A shared arena that nobody closes is never freed: the size of all weights and moments.
      if (!handedOver) {
        arena.close();
      }
    }
  }

  private Shard snapshot(
      Consumer<Consumer<ParameterSet>> parameters,
      Optional<LossScaler.State> lossScale,
      Arena arena) {
    Map<String, Shard.Entry> tensors = new LinkedHashMap<>();
    parameters.accept(
        set ->
            set.forEach(
                parameter -> {
                  put(tensors, parameter.name(), parameter, parameter.master(), arena);
                  put(
                      tensors,
                      Shard.firstMoment(parameter.name()),
                      parameter,
                      parameter.m(),
                      arena);
                  put(
                      tensors,
                      Shard.secondMoment(parameter.name()),
                      parameter,
                      parameter.v(),
                      arena);
                }));
    lossScale.ifPresent(
        state -> tensors.put(StoredLossScale.NAME, StoredLossScale.entry(state, arena)));
    return new Shard(tensors);
  }

  private void put(
      Map<String, Shard.Entry> tensors,
      String name,
      Parameter parameter,
      Tensor tensor,
      Arena arena) {
    tensors.put(
        name,
        new Shard.Entry(parameter.value().shape(), ParameterSet.download(compute, tensor, arena)));
  }

  /** Waits until what was written is durable. */
  void await() throws InterruptedException {
    if (underWay == null) {
      return;
    }
    try {
      underWay.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw new UncheckedIOException("cannot store the checkpoint: " + cause.getMessage(), cause);
      }
      throw new IllegalStateException("cannot store the checkpoint", e.getCause());
    } finally {
      underWay = null;
    }
  }

  @Override
  public void close() {
    uploads.shutdownNow();
  }
}
