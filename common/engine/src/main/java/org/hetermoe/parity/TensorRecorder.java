package org.hetermoe.parity;

import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.Parameter;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.schedule.Split;
import org.hetermoe.tensor.Shape;
import org.hetermoe.train.step.TaskListener;

/** Copies what the first step computes, under the names that reference files use. Thread-safe. */
final class TensorRecorder implements TaskListener {
  private final Compute reader;
  private final int sequences;
  private final int length;
  private final Map<String, float[]> recorded = new LinkedHashMap<>();
  private final AtomicBoolean recording = new AtomicBoolean(true);

  /**
   * A recorder of one batch.
   *
   * @param reader a device that can read the workers' tensors
   */
  TensorRecorder(Compute reader, int sequences, int length) {
    this.reader = reader;
    this.sequences = sequences;
    this.length = length;
  }

  /** Records nothing more. */
  void stop() {
    recording.set(false);
  }

  synchronized Map<String, float[]> recorded() {
    return new LinkedHashMap<>(recorded);
  }

  @Override
  public void routerLogits(int layer, Split part, Tensor logits) {
    recordRows("router_logits." + layer, part, logits);
  }

  @Override
  public void logits(Split part, Tensor logits) {
    recordRows("logits", part, logits);
  }

  @Override
  public void attentionGradients(ParameterSet parameters) {
    parameters.forEach(this::recordGradient);
  }

  @Override
  public void expertGradients(ExpertBank bank) {
    bank.forEach((layer, expert) -> bank.parameters(layer, expert).forEach(this::recordGradient));
  }

  private synchronized void recordGradient(Parameter parameter) {
    if (recording.get()) {
      recorded.put("grad." + parameter.name(), floats(parameter.gradient()));
    }
  }

  private synchronized void recordRows(String name, Split part, Tensor rows) {
    if (!recording.get()) {
      return;
    }
    Shape shape = rows.shape();
    float[] all =
        recorded.computeIfAbsent(name, key -> new float[sequences * length * shape.columns()]);
    float[] values = floats(rows);
    System.arraycopy(values, 0, all, part.from() * length * shape.columns(), values.length);
  }

  private float[] floats(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.shape().elements())];
    reader.read(tensor, MemorySegment.ofArray(values));
    return values;
  }
}
