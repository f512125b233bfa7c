package org.hetermoe.compute.cpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.hetermoe.tensor.DType;

/**
 * Why this device computes in no type of 16 bits. Its kernels are of single precision; products of
 * bf16 would be worth their conversions only on processors that multiply it themselves.
 */
final class ShortTypes {
  private static final Path PROCESSOR = Path.of("/proc/cpuinfo");
  private static final List<String> BF16_FLAGS = List.of("avx512_bf16", "amx_bf16");

  private ShortTypes() {}

  /** The reason for a type, and what to use instead; empty for fp32. */
  static Optional<String> refusal(DType type) {
    return switch (type) {
      case F32 -> Optional.empty();
      case BF16 ->
          Optional.of(
              (multipliesBf16()
                      ? "the device cpu does not use this processor's bf16 yet"
                      : "this processor has neither AVX512-BF16 nor AMX for bf16")
                  + ": use fp32");
      case F16, I32 -> Optional.of("the device cpu has no " + type.label() + ": use fp32");
    };
  }

  private static boolean multipliesBf16() {
    try (Stream<String> lines = Files.lines(PROCESSOR, StandardCharsets.UTF_8)) {
      return lines
          .filter(line -> line.startsWith("flags"))
          .findFirst()
          .filter(line -> Arrays.stream(line.split("\\s+")).anyMatch(BF16_FLAGS::contains))
          .isPresent();
    } catch (IOException unreadable) {
      // It is refused anyway; only the reason would be another.
      return false;
    }
  }
}
