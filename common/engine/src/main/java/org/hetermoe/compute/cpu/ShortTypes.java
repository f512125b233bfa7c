package org.hetermoe.compute.cpu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.hetermoe.compute.Tensor;
import org.hetermoe.tensor.DType;

/**
 * Which types of 16 bits a device computes in, and why not in others. Its kernels are of single
 * precision, and bf16 is worth its conversions only where the processor multiplies it.
 */
final class ShortTypes {
  private static final Path PROCESSOR = Path.of("/proc/cpuinfo");
  private static final List<String> BF16_FLAGS = List.of("avx512_bf16", "amx_bf16");

  private final Optional<Bf16Product> product;

  private ShortTypes(Optional<Bf16Product> product) {
    this.product = product;
  }

  /** What oneDNN computes in on this processor. The product, if any, is the device's to close. */
  static ShortTypes ofThisProcessor() {
    return new ShortTypes(
        OneDnn.multipliesBf16() ? Optional.of(new OneDnnMatmul(DType.BF16)) : Optional.empty());
  }

  /** bf16 by a given product. */
  static ShortTypes by(Bf16Product product) {
    return new ShortTypes(Optional.of(product));
  }

  /** What multiplies bf16; empty if nothing does. */
  Optional<Bf16Product> product() {
    return product;
  }

  /** The reason against a type, and what to use instead; empty for what there is. */
  Optional<String> refusal(DType type) {
    return switch (type) {
      case F32 -> Optional.empty();
      case BF16 -> product.isPresent() ? Optional.empty() : Optional.of(withoutBf16(flags()));
      case F16, I32 -> Optional.of("the device cpu has no " + type.label() + ": use fp32");
    };
  }

  /** Why there is no bf16 on a processor of the given flags, as Linux names them. */
  static String withoutBf16(List<String> flags) {
    return (flags.stream().anyMatch(BF16_FLAGS::contains)
            ? "oneDNN does not use this processor's bf16 (ONEDNN_MAX_CPU_ISA must let it have"
                + " AVX512_CORE_BF16)"
            : "this processor has neither AVX512-BF16 nor AMX for bf16")
        + ": use fp32";
  }

  /**
   * The elements of weights, activations or their gradients.
   *
   * @throws IllegalArgumentException if this device does not compute in their type
   */
  Elements elements(Tensor x) {
    refusal(x.dtype())
        .ifPresent(
            why -> {
              throw new IllegalArgumentException(
                  "the device cpu does not compute on "
                      + x
                      + ", "
                      + why
                      + " as the precision of the side that it computes");
            });
    return Elements.ofAny(x);
  }

  List<Elements> elements(List<Tensor> tensors) {
    return tensors.stream().map(this::elements).toList();
  }

  /** What the processor can do, as Linux names it. */
  static List<String> flags() {
    try (Stream<String> lines = Files.lines(PROCESSOR, StandardCharsets.UTF_8)) {
      return lines
          .filter(line -> line.startsWith("flags"))
          .findFirst()
          .map(line -> Arrays.asList(line.split("\\s+")))
          .orElse(List.of());
    } catch (IOException unreadable) {
      // It is refused anyway; only the reason would be another.
      return List.of();
    }
  }
}
