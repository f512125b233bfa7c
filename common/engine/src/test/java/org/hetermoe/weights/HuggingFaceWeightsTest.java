package org.hetermoe.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HuggingFaceWeightsTest {
  private static final Path GOLDEN = Golden.folder("mixtral-a");

  private final Arena arena = Arena.ofConfined();

  @TempDir private Path folder;

  @AfterEach
  void free() {
    arena.close();
  }

  /** A tensor to be written. */
  private record Tensor(Shape shape, MemorySegment data) {}

  @ParameterizedTest
  @ValueSource(strings = {"mixtral-a", "mixtral-b"})
  void exportsWhatItImports(String name) throws IOException {
    Path golden = Golden.folder(name);
    try (HuggingFaceWeights imported = HuggingFaceWeights.open(golden)) {
      HuggingFaceWeights.export(folder, imported.config(), imported);
    }
    Map<String, Tensor> before = tensors(golden.resolve("model.safetensors"));
    Map<String, Tensor> after = tensors(folder.resolve("model.safetensors"));
    assertThat(after).containsOnlyKeys(before.keySet());
    before.forEach(
        (tensor, content) -> {
          assertThat(after.get(tensor).shape()).isEqualTo(content.shape());
          assertThat(after.get(tensor).data().mismatch(content.data())).as(tensor).isEqualTo(-1);
        });
    try (HuggingFaceWeights again = HuggingFaceWeights.open(folder);
        Arena confined = Arena.ofConfined()) {
      ParameterNames.all(again.model())
          .forEach((parameter, shape) -> assertSame(again, parameter, shape, before, confined));
    }
    assertThat(folder).isDirectoryNotContaining("glob:**.unfinished");
  }

  @Test
  void readsShards() throws IOException {
    Map<String, Tensor> all = tensors(GOLDEN.resolve("model.safetensors"));
    Map<String, Tensor> first = new LinkedHashMap<>();
    Map<String, Tensor> second = new LinkedHashMap<>();
    all.forEach((name, tensor) -> (name.contains("layers.1") ? second : first).put(name, tensor));
    write("part-1.safetensors", first);
    write("part-2.safetensors", second);
    index(first, second);
    Files.copy(GOLDEN.resolve("config.json"), folder.resolve("config.json"));

    try (HuggingFaceWeights weights = HuggingFaceWeights.open(folder)) {
      ParameterNames.all(weights.model())
          .forEach((parameter, shape) -> assertSame(weights, parameter, shape, all, arena));
    }

    Tensor norm = second.remove("model.layers.1.input_layernorm.weight");
    write("part-2.safetensors", second);
    assertRejected("model.layers.1.input_layernorm.weight", "is missing");
    second.put("model.layers.1.input_layernorm.weight", norm);
    second.put("stray", norm);
    write("part-2.safetensors", second);
    assertRejected("stray", "is not what model.safetensors.index.json says");
    Files.delete(folder.resolve("part-2.safetensors"));
    assertRejected(null, "does not exist");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "{\"weight_map\": 5}",
        "{\"weight_map\": {\"a\": 5}}",
        "{\"weight_map\": {\"a\": \"../a.safetensors\"}}",
        "{\"weight_map\": {\"a\": \"/etc/passwd\"}}",
        "{}"
      })
  void rejectsAnIndexThatLies(String index) throws IOException {
    Files.copy(GOLDEN.resolve("config.json"), folder.resolve("config.json"));
    Files.writeString(folder.resolve("model.safetensors.index.json"), index);
    assertThatThrownBy(() -> HuggingFaceWeights.open(folder))
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("model.safetensors.index.json");
  }

  @Test
  void readsFusedExperts() throws IOException {
    Map<String, Tensor> separate = tensors(GOLDEN.resolve("model.safetensors"));
    Files.copy(GOLDEN.resolve("config.json"), folder.resolve("config.json"));
    write("model.safetensors", fuse(separate));

    try (HuggingFaceWeights weights = HuggingFaceWeights.open(folder)) {
      ParameterNames.all(weights.model())
          .forEach((parameter, shape) -> assertSame(weights, parameter, shape, separate, arena));
    }
  }

  @Test
  void rejectsFusedExpertsOfAnotherShapeOrBesideSeparateOnes() throws IOException {
    Map<String, Tensor> fused = fuse(tensors(GOLDEN.resolve("model.safetensors")));
    String gateUp = "model.layers.1.mlp.experts.gate_up_proj";
    String down = "model.layers.1.mlp.experts.down_proj";
    change(fused, tensors -> without(tensors, down));
    assertRejected(down, "is missing");
    change(fused, tensors -> without(tensors, gateUp));
    assertRejected("model.layers.1.block_sparse_moe.experts.0.w1.weight", "is missing");
    change(
        fused,
        tensors -> {
          tensors.put(gateUp, new Tensor(Shape.of(4, 32, 96), tensors.get(gateUp).data()));
          return tensors;
        });
    assertRejected(gateUp, "has shape [4, 32, 96], but config.json makes it [4, 96, 32]");
    String extra = ParameterNames.expertGate(1, 2);
    change(
        fused,
        tensors -> {
          tensors.put(extra, zeros(Shape.of(48, 32)));
          return tensors;
        });
    assertRejected(extra, "belongs to no parameter");
  }

  @Test
  void rejectsMissingExtraAndMisshapenTensorsByName() throws IOException {
    Map<String, Tensor> all = tensors(GOLDEN.resolve("model.safetensors"));
    for (String name :
        new String[] {
          "lm_head.weight",
          "model.norm.weight",
          ParameterNames.router(1),
          ParameterNames.attentionNorm(1),
          ParameterNames.expertDown(0, 3),
          ParameterNames.expertGate(1, 0)
        }) {
      change(all, tensors -> without(tensors, name));
      assertRejected(name, "is missing");
    }
    change(
        all,
        tensors -> {
          tensors.put("model.layers.2.input_layernorm.weight", zeros(Shape.of(32)));
          return tensors;
        });
    assertRejected("model.layers.2.input_layernorm.weight", "belongs to no parameter");
    change(
        all,
        tensors -> {
          tensors.put("model.norm.weight", zeros(Shape.of(32, 1)));
          return tensors;
        });
    assertRejected("model.norm.weight", "has shape [32, 1]");
  }

  @Test
  void rejectsAConfigThatClaimsFarMoreThanThereIs() throws IOException {
    change(tensors(GOLDEN.resolve("model.safetensors")), UnaryOperator.identity());
    String config = Files.readString(GOLDEN.resolve("config.json"));
    Files.writeString(
        folder.resolve("config.json"),
        config.replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1000"));
    assertRejected("model.layers.2.input_layernorm.weight", "is missing");
    Files.writeString(
        folder.resolve("config.json"),
        config.replace("\"num_local_experts\": 4", "\"num_local_experts\": 4000"));
    assertRejected("model.layers.0.block_sparse_moe.experts.4.w1.weight", "is missing");
  }

  @Test
  void tiedEmbeddingsNeedNoHead() throws IOException {
    Map<String, Tensor> all = tensors(GOLDEN.resolve("model.safetensors"));
    change(all, tensors -> without(tensors, "lm_head.weight"));
    Files.writeString(
        folder.resolve("config.json"),
        Files.readString(GOLDEN.resolve("config.json"))
            .replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true"));
    try (HuggingFaceWeights weights = HuggingFaceWeights.open(folder)) {
      assertThat(weights.model().tiedEmbeddings()).isTrue();
      assertThatThrownBy(() -> weights.read("lm_head.weight", arena.allocate(4)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> weights.read("model.norm.weight", arena.allocate(4)))
          .isInstanceOf(SafetensorsException.class)
          .hasMessageContaining("128 bytes for model.norm.weight, not 4");
      assertThatThrownBy(
              () -> weights.weight("model.norm.weight", Shape.of(2, 16), arena.allocate(128)))
          .isInstanceOf(SafetensorsException.class)
          .hasMessageContaining("shape [32] for model.norm.weight, not [2, 16]");
    }
  }

  @Test
  void aFailedExportLeavesTheOldFilesAlone() throws IOException {
    change(tensors(GOLDEN.resolve("model.safetensors")), UnaryOperator.identity());
    byte[] before = Files.readAllBytes(folder.resolve("model.safetensors"));
    try (HuggingFaceWeights weights = HuggingFaceWeights.open(GOLDEN)) {
      assertThatThrownBy(
              () ->
                  HuggingFaceWeights.export(
                      folder,
                      weights.config(),
                      (name, shape, target) -> {
                        throw new IOException("the source is gone");
                      }))
          .hasMessage("the source is gone");
    }
    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(before);
    assertThat(folder).isDirectoryNotContaining("glob:**.unfinished");
  }

  private void assertRejected(String tensor, String problem) {
    assertThatThrownBy(() -> HuggingFaceWeights.open(folder))
        .asInstanceOf(type(SafetensorsException.class))
        .satisfies(
            rejection -> {
              assertThat(rejection).hasMessageContaining(problem);
              assertThat(rejection.tensor()).isEqualTo(tensor);
              assertThat(rejection.file()).contains("safetensors");
            });
  }

  private void change(Map<String, Tensor> tensors, UnaryOperator<Map<String, Tensor>> change)
      throws IOException {
    Files.deleteIfExists(folder.resolve("config.json"));
    Files.copy(GOLDEN.resolve("config.json"), folder.resolve("config.json"));
    write("model.safetensors", change.apply(new LinkedHashMap<>(tensors)));
  }

  private static Map<String, Tensor> without(Map<String, Tensor> tensors, String name) {
    assertThat(tensors.remove(name)).as(name).isNotNull();
    return tensors;
  }

  private Tensor zeros(Shape shape) {
    return new Tensor(shape, arena.allocate(shape.elements() * 4, 4));
  }

  /** The same weights as transformers 5 holds them in memory. */
  private Map<String, Tensor> fuse(Map<String, Tensor> separate) throws IOException {
    ModelConfig model = HuggingFaceConfig.read(GOLDEN.resolve("config.json")).model();
    long matrix = 4L * model.expertWidth() * model.hidden();
    Map<String, Tensor> fused = new LinkedHashMap<>(separate);
    for (int layer = 0; layer < model.layers(); layer++) {
      Tensor gateUp = zeros(Shape.of(model.experts(), 2 * model.expertWidth(), model.hidden()));
      Tensor down = zeros(Shape.of(model.experts(), model.hidden(), model.expertWidth()));
      for (int expert = 0; expert < model.experts(); expert++) {
        MemorySegment gate = fused.remove(ParameterNames.expertGate(layer, expert)).data();
        MemorySegment up = fused.remove(ParameterNames.expertUp(layer, expert)).data();
        MemorySegment out = fused.remove(ParameterNames.expertDown(layer, expert)).data();
        gateUp.data().asSlice(expert * 2L * matrix, matrix).copyFrom(gate);
        gateUp.data().asSlice(expert * 2L * matrix + matrix, matrix).copyFrom(up);
        down.data().asSlice(expert * matrix, matrix).copyFrom(out);
      }
      String prefix = ParameterNames.layer(layer) + "mlp.";
      fused.put(prefix + "experts.gate_up_proj", gateUp);
      fused.put(prefix + "experts.down_proj", down);
      fused.put(prefix + "gate.weight", fused.remove(ParameterNames.router(layer)));
    }
    return fused;
  }

  private static void assertSame(
      HuggingFaceWeights weights,
      String parameter,
      Shape shape,
      Map<String, Tensor> expected,
      Arena arena) {
    MemorySegment read = arena.allocate(shape.elements() * 4, 4);
    try {
      weights.weight(parameter, shape, read);
    } catch (IOException failure) {
      throw new AssertionError(parameter, failure);
    }
    assertThat(read.mismatch(expected.get(parameter).data())).as(parameter).isEqualTo(-1);
  }

  private Map<String, Tensor> tensors(Path path) throws IOException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      for (String name : file.tensors().keySet()) {
        tensors.put(name, new Tensor(file.shape(name), file.floats(name, arena)));
      }
    }
    return tensors;
  }

  private void write(String name, Map<String, Tensor> tensors) throws IOException {
    Map<String, Shape> shapes = new LinkedHashMap<>();
    Map<String, MemorySegment> data = new LinkedHashMap<>();
    tensors.forEach(
        (tensor, content) -> {
          shapes.put(tensor, content.shape());
          data.put(tensor, content.data());
        });
    SafetensorsWriter.write(
        FileChannel.open(
            folder.resolve(name),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE),
        SafetensorsHeader.forFloats(name, shapes, Map.of()),
        data);
  }

  private void index(Map<String, Tensor> first, Map<String, Tensor> second) throws IOException {
    StringBuilder map = new StringBuilder();
    first.keySet().forEach(name -> map.append(entry(name, "part-1.safetensors")));
    second.keySet().forEach(name -> map.append(entry(name, "part-2.safetensors")));
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"metadata\":{},\"weight_map\":{" + map.substring(1) + "}}");
  }

  private static String entry(String tensor, String file) {
    return ",\"" + tensor + "\":\"" + file + "\"";
  }
}
