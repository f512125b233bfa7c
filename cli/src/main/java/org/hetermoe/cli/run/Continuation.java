package org.hetermoe.cli.run;

import java.io.IOException;
import java.util.function.Consumer;
import org.hetermoe.checkpoint.CheckpointStore.StoredCheckpoint;
import org.hetermoe.checkpoint.http.HttpCheckpointStore;
import org.hetermoe.checkpoint.http.RetryPolicy;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.data.Tokenizer;
import org.hetermoe.data.Tokenizers;
import org.hetermoe.generate.Generator;
import org.hetermoe.generate.Generator.Sampling;
import org.hetermoe.run.RunSpec;
import org.hetermoe.run.RunView;

/** Continues text in this process with the weights of a run's checkpoint. */
final class Continuation {
  private final CoordinatorClient coordinator;
  private final String device;

  /**
   * Continues with checkpoints of a coordinator.
   *
   * @param device name of the compute device
   */
  Continuation(CoordinatorClient coordinator, String device) {
    this.coordinator = coordinator;
    this.device = device;
  }

  /**
   * Continues a prompt.
   *
   * @param step of the checkpoint
   * @param progress takes the text so far, after each token
   */
  String of(RunView run, int step, String prompt, Sampling sampling, Consumer<String> progress)
      throws IOException, InterruptedException {
    RunSpec spec = run.spec();
    int threads = Runtime.getRuntime().availableProcessors();
    try (Tokenizer tokenizer = Tokenizers.open(spec.data().tokenizer());
        Compute compute = Devices.open(device, threads);
        HttpCheckpointStore store =
            new HttpCheckpointStore(coordinator.address(), RetryPolicy.DEFAULT);
        StoredCheckpoint checkpoint = store.open(run.id(), step);
        Generator generator =
            new Generator(
                spec.model(),
                spec.data().sequenceLength(),
                compute,
                (name, shape, target) -> checkpoint.read(name, target),
                tokenizer)) {
      return generator.generate(prompt, sampling, progress);
    }
  }
}
