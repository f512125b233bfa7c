package org.hetermoe.device;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.hetermoe.model.InvalidFieldException;

/**
 * A kind of device as the catalogue describes it: what its data sheet says, and which share of that
 * real kernels reach.
 *
 * @param description what it is
 * @param aliases other names
 * @param attention whether it can compute attention
 * @param memoryGb memory, 10^9 bytes
 * @param matrixTeraflops peak of dense half-precision matrix products, 10^12 per second
 * @param singleTeraflops peak in single precision
 * @param bandwidthGb of its memory, 10^9 bytes per second
 * @param bf16 whether it has brain floating point
 * @param matrixEfficiency share of the peak that large matrix products reach
 * @param halfRows rows at which a product reaches half of that
 * @param halfWidth inner width at which a product reaches half of that
 * @param coreEfficiency sequence length to the share of the peak that the attention core reaches,
 *     counting half of all pairs; between two lengths it follows the logarithm of the length
 * @param memoryEfficiency share of its memory's bandwidth that element-wise work reaches
 * @param launchMicroseconds cost of starting the kernels of one part of a layer
 * @param taskMicroseconds what passes before each task of a schedule, the device idle
 * @param sources where the numbers are from
 */
public record DataSheet(
    @JsonProperty(required = true) String description,
    List<String> aliases,
    Boolean attention,
    @JsonProperty(required = true) double memoryGb,
    @JsonProperty(required = true) double matrixTeraflops,
    @JsonProperty(required = true) double singleTeraflops,
    @JsonProperty(required = true) double bandwidthGb,
    boolean bf16,
    @JsonProperty(required = true) double matrixEfficiency,
    double halfRows,
    double halfWidth,
    Map<Integer, Double> coreEfficiency,
    @JsonProperty(required = true) double memoryEfficiency,
    double launchMicroseconds,
    double taskMicroseconds,
    List<String> sources) {
  public DataSheet {
    aliases = aliases == null ? List.of() : List.copyOf(aliases);
    attention = attention == null || attention;
    coreEfficiency = coreEfficiency == null ? new TreeMap<>() : new TreeMap<>(coreEfficiency);
    sources = sources == null ? List.of() : List.copyOf(sources);
    positive("memory_gb", memoryGb);
    positive("matrix_teraflops", matrixTeraflops);
    positive("single_teraflops", singleTeraflops);
    positive("bandwidth_gb", bandwidthGb);
    share("matrix_efficiency", matrixEfficiency);
    share("memory_efficiency", memoryEfficiency);
    if (attention && coreEfficiency.isEmpty()) {
      throw new InvalidFieldException(
          "core_efficiency",
          "must give a share for at least one length, or attention must be false");
    }
    coreEfficiency.forEach((length, efficiency) -> share("core_efficiency." + length, efficiency));
    notNegative("half_rows", halfRows);
    notNegative("half_width", halfWidth);
    notNegative("launch_microseconds", launchMicroseconds);
    notNegative("task_microseconds", taskMicroseconds);
  }

  private static void positive(String field, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new InvalidFieldException(field, "must be greater than 0, is " + value);
    }
  }

  private static void notNegative(String field, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw new InvalidFieldException(field, "must be 0 or more, is " + value);
    }
  }

  private static void share(String field, double value) {
    if (!(value > 0 && value <= 1)) {
      throw new InvalidFieldException(field, "must be greater than 0 and at most 1, is " + value);
    }
  }
}
