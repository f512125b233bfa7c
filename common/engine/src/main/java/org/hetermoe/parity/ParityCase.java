package org.hetermoe.parity;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.run.OptimizerSpec;
import org.hetermoe.tensor.Shape;
import org.hetermoe.weights.HuggingFaceWeights;
import org.hetermoe.weights.SafetensorsFile;

/**
 * A folder of reference numbers: {@code config.json} and {@code model.safetensors} in Hugging
 * Face's layout, {@code expected.safetensors} with the input ids and what they give, {@code
 * case.json} with the optimizer of the steps.
 *
 * @param weights initial weights; closed with the case
 * @param batch the sequences of every step: the input ids, each predicting the next
 * @param steps number of AdamW steps on that batch
 * @param expected reference numbers by name, the input ids left out
 */
public record ParityCase(
    HuggingFaceWeights weights,
    OptimizerSpec optimizer,
    int steps,
    SequenceBatch batch,
    Map<String, Reference> expected)
    implements AutoCloseable {
  private static final String INPUT = "input_ids";

  /** Reference numbers of one tensor. */
  public record Reference(Shape shape, float[] values) {}

  /**
   * Reads a case.
   *
   * @throws IOException if a file is missing, damaged or does not fit the others; the message names
   *     it
   */
  public static ParityCase open(Path folder) throws IOException {
    HuggingFaceWeights weights = HuggingFaceWeights.open(folder);
    try (Arena arena = Arena.ofConfined();
        SafetensorsFile file = SafetensorsFile.open(folder.resolve("expected.safetensors"))) {
      JsonNode description = read(folder.resolve("case.json"));
      Map<String, Reference> expected = new LinkedHashMap<>();
      for (String name : file.tensors().keySet()) {
        if (!name.equals(INPUT)) {
          float[] values = file.floats(name, arena).toArray(ValueLayout.JAVA_FLOAT);
          expected.put(name, new Reference(file.shape(name), values));
        }
      }
      Shape ids = file.shape(INPUT);
      int[] inputs = file.ints(INPUT, arena).toArray(ValueLayout.JAVA_INT);
      return new ParityCase(
          weights,
          optimizer(description),
          description.path("steps").asInt(0),
          batch(ids, inputs, weights.model()),
          expected);
    } catch (IOException | RuntimeException failure) {
      weights.close();
      throw failure;
    }
  }

  /** Sizes of the model. */
  public ModelConfig model() {
    return weights.model();
  }

  private static JsonNode read(Path file) throws IOException {
    if (!Files.isReadable(file)) {
      throw new IOException(file + " is missing");
    }
    return new ObjectMapper().readTree(file.toFile());
  }

  private static OptimizerSpec optimizer(JsonNode description) {
    JsonNode optimizer = description.path("optimizer");
    if (!optimizer.path("name").asText("adamw").equals("adamw")) {
      throw new InvalidFieldException(
          "optimizer.name", "must be adamw, is " + optimizer.path("name"));
    }
    double learningRate = optimizer.path("lr").asDouble();
    return new OptimizerSpec(
        learningRate,
        learningRate,
        0,
        optimizer.path("betas").path(0).asDouble(0.9),
        optimizer.path("betas").path(1).asDouble(0.999),
        optimizer.path("eps").asDouble(1e-8),
        optimizer.path("weight_decay").asDouble(0),
        optimizer.path("decay_all_parameters").asBoolean(false),
        optimizer.path("clip_grad_norm").asDouble(0));
  }

  private static SequenceBatch batch(Shape ids, int[] inputs, ModelConfig model)
      throws IOException {
    if (ids.rank() != 2) {
      throw new IOException("expected.safetensors: input_ids must be [batch, length], is " + ids);
    }
    int length = ids.dim(1);
    int[] targets = new int[inputs.length];
    for (int i = 0; i < inputs.length; i++) {
      if (inputs[i] < 0 || inputs[i] >= model.vocabulary()) {
        throw new IOException(
            "expected.safetensors: input_ids has " + inputs[i] + ", outside the vocabulary");
      }
      targets[i] = i % length == length - 1 ? -1 : inputs[i + 1];
    }
    return new SequenceBatch(ids.dim(0), length, inputs, targets);
  }

  @Override
  public void close() {
    weights.close();
  }
}
