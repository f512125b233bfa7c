package org.hetermoe.cli.simulate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.LoadPatterns;
import org.hetermoe.run.Json;

/**
 * Loads of experts from an option: a ratio of largest to mean ({@code 1.5}), a Zipf exponent
 * ({@code zipf:1.2}), or a file with recorded counts, a list of layers, each a list of counts.
 */
public final class ImbalanceOption {
  private static final String ZIPF = "zipf:";
  private static final String NUMBER = "\\d+(\\.\\d+)?";

  private ImbalanceOption() {}

  /**
   * The loads; balanced where the option is null.
   *
   * @throws InvalidFieldException if the option cannot be understood
   */
  public static ExpertLoads read(String option, ModelShape model) throws IOException {
    int layers = model.layers();
    int experts = model.experts();
    if (option == null) {
      return ExpertLoads.balanced(layers, experts);
    }
    if (option.matches(NUMBER)) {
      return LoadPatterns.ratio(layers, experts, Double.parseDouble(option));
    }
    if (option.startsWith(ZIPF) && option.substring(ZIPF.length()).matches(NUMBER)) {
      return LoadPatterns.zipf(
          layers, experts, Double.parseDouble(option.substring(ZIPF.length())));
    }
    Path file = Path.of(option);
    if (!Files.isRegularFile(file)) {
      throw new InvalidFieldException(
          "imbalance",
          "must be a ratio of largest to mean load (1.5), a Zipf exponent (zipf:1.2) or a file of"
              + " counts; is '"
              + option
              + "'");
    }
    return counts(file, layers, experts);
  }

  private static ExpertLoads counts(Path file, int layers, int experts) throws IOException {
    List<List<Double>> counts;
    try {
      counts = Json.YAML.readValue(Files.readString(file), new TypeReference<>() {});
    } catch (JsonProcessingException malformed) {
      InvalidFieldException named =
          new InvalidFieldException(
              "imbalance", "'" + file + "' must be a list of layers, each a list of counts");
      named.initCause(malformed);
      throw named;
    }
    if (counts == null
        || counts.size() != layers
        || counts.stream().anyMatch(layer -> layer == null || layer.size() != experts)) {
      throw new InvalidFieldException(
          "imbalance", "'" + file + "' must have " + layers + " layers of " + experts + " counts");
    }
    try {
      return new ExpertLoads(counts);
    } catch (IllegalArgumentException unusable) {
      InvalidFieldException named = new InvalidFieldException("imbalance", unusable.getMessage());
      named.initCause(unusable);
      throw named;
    }
  }
}
