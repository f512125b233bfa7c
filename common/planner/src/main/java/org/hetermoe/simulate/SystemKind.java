package org.hetermoe.simulate;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.hetermoe.model.InvalidFieldException;

/** Ways to train on a mixed cluster that can be compared (paper §6.1). */
public enum SystemKind {
  /** Zebra parallelism with asymmetric expert assignment. */
  HETERMOE,
  /** Zebra parallelism, all experts on expert workers. */
  HETERMOE_NO_ASYM_EA,
  /** Expert parallelism over all devices alike, exchange overlapped with experts. */
  EP,
  /** Expert parallelism on each kind of device alone, throughputs added. */
  EP_IDEAL,
  /** Attention and experts on different devices, one after the other. */
  DISTEP,
  /** Pipeline stages balanced by layers, one kind of device a stage. */
  PP;

  /** The name in options and reports. */
  @JsonValue
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** The systems of an option: names with commas, or all. */
  public static List<SystemKind> parse(String names) {
    if (names.equals("all")) {
      return List.of(values());
    }
    return Arrays.stream(names.split(",", -1)).map(SystemKind::of).distinct().toList();
  }

  private static SystemKind of(String label) {
    return Arrays.stream(values())
        .filter(kind -> kind.label().equals(label.strip()))
        .findFirst()
        .orElseThrow(
            () ->
                new InvalidFieldException(
                    "system",
                    "must be all or some of "
                        + Arrays.stream(values())
                            .map(SystemKind::label)
                            .collect(Collectors.joining(", "))
                        + "; is '"
                        + label
                        + "'"));
  }
}
