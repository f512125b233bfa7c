package org.hetermoe.weights;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelConfig;

/**
 * Mixtral's {@code config.json}, as transformers writes and reads it. What this model cannot do (a
 * sliding window, scaled rotary embeddings, dropout) is rejected with the name of the setting.
 * Settings that do not change the arithmetic are ignored.
 *
 * @param model sizes and constants
 * @param maxPositions the longest sequence the model was made for
 */
public record HuggingFaceConfig(ModelConfig model, int maxPositions) {
  /** The file's name in a Hugging Face folder. */
  public static final String FILE = "config.json";

  // What transformers' MixtralConfig takes where the file is silent.
  private static final double DEFAULT_ROPE_THETA = 1e6;
  private static final double DEFAULT_NORM_EPSILON = 1e-5;
  private static final double DEFAULT_BALANCE_COEFFICIENT = 0.001;
  private static final double DEFAULT_INITIALIZER_RANGE = 0.02;
  private static final int DEFAULT_MAX_POSITIONS = 4096 * 32;

  /** Far above any model's sizes, and low enough that no product of two extents overflows. */
  private static final int MAX_SIZE = 1 << 28;

  /** No setting of transformers, which keeps unknown ones: lets a z-loss survive the round trip. */
  private static final String Z_COEFFICIENT = "router_z_loss_coef";

  private static final Map<String, String> SETTING_OF_FIELD =
      Map.ofEntries(
          Map.entry("model.vocabulary", "vocab_size"),
          Map.entry("model.hidden", "hidden_size"),
          Map.entry("model.layers", "num_hidden_layers"),
          Map.entry("model.heads", "num_attention_heads"),
          Map.entry("model.kv_heads", "num_key_value_heads"),
          Map.entry("model.head_dim", "head_dim"),
          Map.entry("model.experts", "num_local_experts"),
          Map.entry("model.top_k", "num_experts_per_tok"),
          Map.entry("model.expert_width", "intermediate_size"),
          Map.entry("model.rope_theta", "rope_theta"),
          Map.entry("model.norm_epsilon", "rms_norm_eps"),
          Map.entry("model.balance_coefficient", "router_aux_loss_coef"),
          Map.entry("model.z_coefficient", Z_COEFFICIENT),
          Map.entry("model.initializer_range", "initializer_range"));

  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION).build();

  public HuggingFaceConfig {
    if (maxPositions < 1) {
      throw new InvalidFieldException(
          "max_position_embeddings", "must be at least 1, is " + maxPositions);
    }
  }

  /**
   * Reads a {@code config.json}.
   *
   * @throws InvalidFieldException if a setting is missing, unusable or not supported
   * @throws IOException if the file cannot be read
   */
  public static HuggingFaceConfig read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new InvalidFieldException(FILE, "there is no file " + file);
    }
    return parse(Files.readString(file));
  }

  /**
   * Reads the text of a {@code config.json}.
   *
   * @throws InvalidFieldException as {@link #read}
   */
  public static HuggingFaceConfig parse(String text) {
    JsonNode config;
    try {
      config = JSON.readTree(text);
    } catch (JsonProcessingException malformed) {
      throw because(
          new InvalidFieldException(FILE, "is not JSON: " + malformed.getOriginalMessage()),
          malformed);
    }
    if (!config.isObject()) {
      throw new InvalidFieldException(FILE, "is not a JSON object");
    }
    rejectUnsupported(config);
    int hidden = whole(config, "hidden_size");
    int heads = whole(config, "num_attention_heads");
    if (heads < 1) {
      throw new InvalidFieldException("num_attention_heads", "must be at least 1, is " + heads);
    }
    int headDim =
        config.path("head_dim").isNull() || config.path("head_dim").isMissingNode()
            ? hidden / heads
            : whole(config, "head_dim");
    if ((long) heads * headDim > MAX_SIZE) {
      throw new InvalidFieldException(
          "head_dim", "times num_attention_heads must not exceed " + MAX_SIZE);
    }
    try {
      ModelConfig model =
          new ModelConfig(
              whole(config, "vocab_size"),
              hidden,
              whole(config, "num_hidden_layers"),
              heads,
              whole(config, "num_key_value_heads"),
              headDim,
              whole(config, "num_local_experts"),
              whole(config, "num_experts_per_tok"),
              whole(config, "intermediate_size"),
              ropeTheta(config),
              number(config, "rms_norm_eps", DEFAULT_NORM_EPSILON),
              flag(config, "tie_word_embeddings"),
              number(config, "router_aux_loss_coef", DEFAULT_BALANCE_COEFFICIENT),
              number(config, Z_COEFFICIENT, 0),
              number(config, "initializer_range", DEFAULT_INITIALIZER_RANGE));
      int maxPositions =
          config.has("max_position_embeddings")
              ? whole(config, "max_position_embeddings")
              : DEFAULT_MAX_POSITIONS;
      return new HuggingFaceConfig(model, maxPositions);
    } catch (InvalidFieldException invalid) {
      String setting = SETTING_OF_FIELD.get(invalid.field());
      if (setting == null) {
        throw invalid;
      }
      String problem = invalid.getMessage().substring(invalid.field().length() + 2);
      throw because(new InvalidFieldException(setting, problem), invalid);
    }
  }

  /** The text of a {@code config.json} that transformers 4 and 5 load. */
  public String toJson() {
    ObjectNode config = JSON.createObjectNode();
    config.putArray("architectures").add("MixtralForCausalLM");
    config.put("attention_dropout", 0.0);
    // Token ids with a meaning belong to the tokenizer; the defaults of transformers would claim
    // that bytes 1 and 2 begin and end a text.
    config.putNull("bos_token_id");
    config.put("dtype", "float32");
    config.putNull("eos_token_id");
    config.put("head_dim", model.headDim());
    config.put("hidden_act", "silu");
    config.put("hidden_size", model.hidden());
    config.put("initializer_range", model.initializerRange());
    config.put("intermediate_size", model.expertWidth());
    config.put("max_position_embeddings", maxPositions);
    config.put("model_type", "mixtral");
    config.put("num_attention_heads", model.heads());
    config.put("num_experts_per_tok", model.topK());
    config.put("num_hidden_layers", model.layers());
    config.put("num_key_value_heads", model.kvHeads());
    config.put("num_local_experts", model.experts());
    config.put("output_router_logits", false);
    config.putNull("pad_token_id");
    config.put("rms_norm_eps", model.normEpsilon());
    // transformers 5 reads rope_parameters, transformers 4 rope_theta.
    config
        .putObject("rope_parameters")
        .put("rope_theta", model.ropeTheta())
        .put("rope_type", "default");
    config.put("rope_theta", model.ropeTheta());
    config.put("router_aux_loss_coef", model.balanceCoefficient());
    config.put("router_jitter_noise", 0.0);
    if (model.zCoefficient() != 0) {
      config.put(Z_COEFFICIENT, model.zCoefficient());
    }
    config.putNull("sliding_window");
    config.put("tie_word_embeddings", model.tiedEmbeddings());
    config.put("torch_dtype", "float32");
    config.put("use_cache", true);
    config.put("vocab_size", model.vocabulary());
    return config.toPrettyString() + "\n";
  }

  private static void rejectUnsupported(JsonNode config) {
    JsonNode type = config.path("model_type");
    if (!type.asText().equals("mixtral")) {
      throw new InvalidFieldException("model_type", "must be 'mixtral', is " + shown(type));
    }
    if (config.has("hidden_act") && !config.path("hidden_act").asText().equals("silu")) {
      throw new InvalidFieldException(
          "hidden_act", "must be 'silu', is " + shown(config.path("hidden_act")));
    }
    for (String setting : new String[] {"sliding_window", "quantization_config"}) {
      if (config.hasNonNull(setting)) {
        throw new InvalidFieldException(
            setting, "is not supported: must be null or absent, is " + shown(config.get(setting)));
      }
    }
    for (String setting : new String[] {"attention_bias", "mlp_bias"}) {
      if (config.hasNonNull(setting) && flag(config, setting)) {
        throw new InvalidFieldException(setting, "is not supported: must be false or absent");
      }
    }
    for (String setting : new String[] {"attention_dropout", "router_jitter_noise"}) {
      if (config.hasNonNull(setting) && number(config, setting, 0) != 0) {
        throw new InvalidFieldException(
            setting, "is not supported: must be 0, is " + shown(config.get(setting)));
      }
    }
    for (String owner : new String[] {"rope_parameters", "rope_scaling"}) {
      rejectScaledRope(owner, config.path(owner));
    }
    if (config.hasNonNull("partial_rotary_factor")
        && number(config, "partial_rotary_factor", 1) != 1) {
      throw new InvalidFieldException("partial_rotary_factor", "is not supported: must be 1");
    }
  }

  private static void rejectScaledRope(String owner, JsonNode rope) {
    if (rope.isMissingNode() || rope.isNull()) {
      return;
    }
    if (!rope.isObject()) {
      throw new InvalidFieldException(owner, "must be an object, is " + shown(rope));
    }
    for (Map.Entry<String, JsonNode> entry : rope.properties()) {
      String setting = owner + "." + entry.getKey();
      JsonNode value = entry.getValue();
      switch (entry.getKey()) {
        case "rope_theta" -> number(rope, owner, "rope_theta", DEFAULT_ROPE_THETA);
        case "rope_type", "type" -> {
          if (!value.asText().equals("default")) {
            throw new InvalidFieldException(
                setting, "is not supported: must be 'default', is " + shown(value));
          }
        }
        case "partial_rotary_factor" -> {
          if (number(rope, owner, "partial_rotary_factor", 1) != 1) {
            throw new InvalidFieldException(setting, "is not supported: must be 1");
          }
        }
        default -> {
          if (!value.isNull()) {
            throw new InvalidFieldException(setting, "is not supported: only plain RoPE is");
          }
        }
      }
    }
  }

  private static double ropeTheta(JsonNode config) {
    JsonNode rope = config.path("rope_parameters");
    double inner =
        number(
            rope,
            "rope_parameters",
            "rope_theta",
            number(config, "rope_theta", DEFAULT_ROPE_THETA));
    double outer = number(config, "rope_theta", inner);
    if (inner != outer) {
      throw new InvalidFieldException(
          "rope_theta", "is " + outer + ", but rope_parameters.rope_theta is " + inner);
    }
    return outer;
  }

  private static int whole(JsonNode config, String setting) {
    JsonNode value = config.path(setting);
    if (value.isMissingNode()) {
      throw new InvalidFieldException(setting, "is missing");
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw new InvalidFieldException(setting, "must be a whole number, is " + shown(value));
    }
    if (value.intValue() > MAX_SIZE) {
      throw new InvalidFieldException(setting, "must not exceed " + MAX_SIZE + ", is " + value);
    }
    return value.intValue();
  }

  private static double number(JsonNode config, String setting, double otherwise) {
    return number(config, null, setting, otherwise);
  }

  private static double number(JsonNode config, String owner, String setting, double otherwise) {
    JsonNode value = config.path(setting);
    if (value.isMissingNode() || (owner == null && value.isNull())) {
      return otherwise;
    }
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      throw new InvalidFieldException(
          owner == null ? setting : owner + "." + setting, "must be a number, is " + shown(value));
    }
    return value.doubleValue();
  }

  private static boolean flag(JsonNode config, String setting) {
    JsonNode value = config.path(setting);
    if (value.isMissingNode()) {
      return false;
    }
    if (!value.isBoolean()) {
      throw new InvalidFieldException(setting, "must be true or false, is " + shown(value));
    }
    return value.booleanValue();
  }

  private static String shown(JsonNode value) {
    return value.isMissingNode() ? "missing" : value.toString();
  }

  private static InvalidFieldException because(InvalidFieldException exception, Exception cause) {
    exception.initCause(cause);
    return exception;
  }
}
