package org.hetermoe.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HuggingFaceConfigTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Test
  void readsWhatTransformersWrote() throws IOException {
    HuggingFaceConfig config =
        HuggingFaceConfig.read(Golden.folder("mixtral-b").resolve("config.json"));

    assertThat(config.maxPositions()).isEqualTo(17);
    assertThat(config.model())
        .isEqualTo(
            new ModelConfig(131, 48, 3, 6, 2, 8, 8, 2, 40, 10000.0, 1e-5, false, 0.01, 0.0, 0.02));
  }

  @Test
  void readsTransformers4() {
    ObjectNode old = golden();
    old.remove("rope_parameters");
    old.put("rope_theta", 5000.0).put("head_dim", 16).put("tie_word_embeddings", true);
    old.putNull("rope_scaling");

    ModelConfig model = HuggingFaceConfig.parse(old.toString()).model();

    assertThat(model.ropeTheta()).isEqualTo(5000.0);
    assertThat(model.headDim()).isEqualTo(16);
    assertThat(model.tiedEmbeddings()).isTrue();
  }

  @Test
  void takesTransformersDefaultsWhereTheFileIsSilent() {
    ObjectNode silent = golden();
    silent.remove(
        java.util.List.of(
            "rope_parameters",
            "rms_norm_eps",
            "router_aux_loss_coef",
            "initializer_range",
            "tie_word_embeddings",
            "max_position_embeddings",
            "hidden_act",
            "head_dim"));

    HuggingFaceConfig config = HuggingFaceConfig.parse(silent.toString());

    assertThat(config.maxPositions()).isEqualTo(131072);
    assertThat(config.model())
        .isEqualTo(
            new ModelConfig(97, 32, 2, 4, 2, 8, 4, 2, 48, 1e6, 1e-5, false, 0.001, 0.0, 0.02));
  }

  @Test
  void whatItWritesItReadsAgain() throws IOException {
    HuggingFaceConfig config =
        new HuggingFaceConfig(
            new ModelConfig(300, 48, 3, 6, 2, 10, 8, 3, 40, 12345.0, 1e-6, true, 0.03, 0.001, 0.01),
            99);

    assertThat(HuggingFaceConfig.parse(config.toJson())).isEqualTo(config);
    JsonNode written = JSON.readTree(config.toJson());
    assertThat(written.at("/rope_parameters/rope_theta").doubleValue()).isEqualTo(12345.0);
    assertThat(written.at("/rope_parameters/rope_type").asText()).isEqualTo("default");
    assertThat(written.get("rope_theta").doubleValue()).isEqualTo(12345.0);
    assertThat(written.get("model_type").asText()).isEqualTo("mixtral");
    assertThat(written.at("/architectures/0").asText()).isEqualTo("MixtralForCausalLM");
    assertThat(written.get("dtype").asText()).isEqualTo("float32");
  }

  @Test
  void writesEverySettingThatTransformersWrites() throws IOException {
    Path file = Golden.folder("mixtral-a").resolve("config.json");
    JsonNode written = JSON.readTree(HuggingFaceConfig.read(file).toJson());
    JSON.readTree(file.toFile())
        .fieldNames()
        .forEachRemaining(
            setting -> {
              if (!setting.equals("transformers_version")) {
                assertThat(written.has(setting)).as(setting).isTrue();
              }
            });
  }

  @ParameterizedTest(name = "{0} = {1}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "model_type | \"llama\" | must be 'mixtral'",
        "sliding_window | 4096 | is not supported",
        "hidden_act | \"gelu\" | must be 'silu'",
        "attention_bias | true | is not supported",
        "attention_dropout | 0.1 | must be 0",
        "router_jitter_noise | 0.1 | must be 0",
        "quantization_config | {} | is not supported",
        "hidden_size | \"wide\" | whole number",
        "hidden_size | 1.5 | whole number",
        "hidden_size | 99999999999 | whole number",
        "vocab_size | -5 | at least 2",
        "num_experts_per_tok | 5 | must not exceed experts",
        "num_key_value_heads | 3 | must divide",
        "num_attention_heads | 0 | at least 1",
        "head_dim | 7 | even",
        "head_dim | 100000000 | must not exceed",
        "num_hidden_layers | 2000000000 | must not exceed",
        "rms_norm_eps | \"tiny\" | must be a number",
        "rms_norm_eps | 0 | between 0 and 1",
        "rope_theta | 5 | but rope_parameters.rope_theta is",
        "tie_word_embeddings | \"yes\" | true or false",
        "max_position_embeddings | 0 | at least 1",
      })
  void rejectsByName(String setting, String value, String problem) throws IOException {
    ObjectNode config = golden();
    config.set(setting, JSON.readTree(value));
    assertRejected(config.toString(), setting, problem);
  }

  @Test
  void rejectsScaledRopeByName() throws IOException {
    ObjectNode yarn = golden();
    yarn.withObject("rope_parameters").put("rope_type", "yarn");
    assertRejected(yarn.toString(), "rope_parameters.rope_type", "must be 'default'");
    ObjectNode scaled = golden();
    scaled.putObject("rope_scaling").put("factor", 2.0);
    assertRejected(scaled.toString(), "rope_scaling.factor", "only plain RoPE");
    ObjectNode theta = golden();
    theta.withObject("rope_parameters").put("rope_theta", "big");
    assertRejected(theta.toString(), "rope_parameters.rope_theta", "must be a number");
  }

  @Test
  void rejectsWhatIsNoConfig() {
    ObjectNode without = golden();
    without.remove("num_local_experts");
    assertRejected(without.toString(), "num_local_experts", "is missing");
    assertRejected("{", "config.json", "is not JSON");
    assertRejected("[]", "config.json", "not a JSON object");
    assertRejected("", "config.json", "not a JSON object");
    assertThatThrownBy(() -> HuggingFaceConfig.read(Path.of("/nonexistent/config.json")))
        .isInstanceOf(InvalidFieldException.class)
        .hasMessageContaining("/nonexistent/config.json");
  }

  private static void assertRejected(String text, String field, String problem) {
    assertThatThrownBy(() -> HuggingFaceConfig.parse(text))
        .asInstanceOf(type(InvalidFieldException.class))
        .satisfies(
            rejection -> {
              assertThat(rejection.field()).isEqualTo(field);
              assertThat(rejection).hasMessageContaining(problem);
            });
  }

  private static ObjectNode golden() {
    try {
      return (ObjectNode) JSON.readTree(Golden.folder("mixtral-a").resolve("config.json").toFile());
    } catch (IOException broken) {
      throw new java.io.UncheckedIOException(broken);
    }
  }
}
