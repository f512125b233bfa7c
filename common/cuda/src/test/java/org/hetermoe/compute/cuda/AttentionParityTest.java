package org.hetermoe.compute.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.DeviceTensors;
import org.hetermoe.compute.Devices;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.cuda.memory.MemoryPool;
import org.hetermoe.emulator.RequiresEmulatedCuda;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Attention on emulated devices of every generation against the plain device, at awkward sizes, in
 * each type; and twice, which has to give the same bits.
 */
@RequiresEmulatedCuda
class AttentionParityTest {
  private static Compute reference;
  private static Map<Integer, Compute> devices;

  /** What one device computes in one type. */
  record Case(int capability, DType type, AttentionShape shape) {
    @Override
    public String toString() {
      return "sm_%d %s %s".formatted(capability, type.label(), shape);
    }
  }

  @BeforeAll
  static void open() {
    reference = Devices.open("reference", 1);
    devices = new HashMap<>();
    for (int capability : EmulatedDevices.CAPABILITIES) {
      // Tensors are not rounded up in memory, so that the emulator sees a kernel that leaves one.
      devices.put(capability, EmulatedDevices.open(capability, MemoryPool.Sizing.EXACT));
    }
  }

  @AfterAll
  static void close() {
    devices.values().forEach(Compute::close);
    reference.close();
  }

  static Stream<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (int device : EmulatedDevices.CAPABILITIES) {
      DType half = device >= 80 ? DType.BF16 : DType.F16;
      for (DType type : List.of(DType.F32, half)) {
        add(cases, device, type, new AttentionShape(2, 7, 4, 1, 10)); // no row at 16 bytes
        add(cases, device, type, new AttentionShape(1, 1, 2, 2, 64));
        add(cases, device, type, new AttentionShape(2, 65, 4, 2, 64)); // one more than a tile
        add(cases, device, type, new AttentionShape(1, 130, 2, 1, 128));
        add(cases, device, type, new AttentionShape(0, 9, 2, 1, 64));
      }
    }
    add(cases, 80, DType.F16, new AttentionShape(1, 130, 4, 1, 64));
    add(cases, 70, DType.F16, new AttentionShape(1, 130, 2, 2, 32));
    add(cases, 70, DType.F16, new AttentionShape(1, 70, 2, 1, 96));
    add(cases, 75, DType.F16, new AttentionShape(1, 33, 1, 1, 16));
    add(cases, 75, DType.F16, new AttentionShape(1, 65, 2, 1, 256));
    add(cases, 75, DType.F32, new AttentionShape(1, 35, 1, 1, 256));
    add(cases, 80, DType.BF16, new AttentionShape(1, 70, 4, 4, 48));
    add(cases, 80, DType.BF16, new AttentionShape(1, 65, 2, 1, 256));
    add(cases, 90, DType.BF16, new AttentionShape(1, 130, 2, 1, 96));
    add(cases, 90, DType.BF16, new AttentionShape(3, 40, 4, 1, 24)); // columns fill up with zeros
    return cases.stream();
  }

  private static void add(List<Case> cases, int device, DType type, AttentionShape shape) {
    cases.add(new Case(device, type, shape));
  }

  /**
   * Of the largest element of a result, or of 1 where that is larger. In half precision
   * probabilities and their gradients are rounded before they are multiplied, and so is the result:
   * each to half of the last place, and errors of a sum add up like its root. In single precision:
   * sums of some hundred terms, and scores whose errors the exponential magnifies.
   */
  private static double tolerance(DType type) {
    return switch (type) {
      case F32 -> 2e-5;
      case F16 -> 3 * 0x1p-11;
      case BF16 -> 3 * 0x1p-8;
      case I32 -> throw new IllegalArgumentException();
    };
  }

  /** Results as they stand in memory, in the order of RESULTS. */
  private record Run(List<float[]> results) {}

  private static final List<String> RESULTS = List.of("out", "logSumExp", "dq", "dk", "dv");

  @ParameterizedTest
  @MethodSource("cases")
  void agreesWithReference(Case each, TestReporter reporter) {
    Compute device = devices.get(each.capability);
    Run expected = run(reference, each, null, 0);
    Run actual = run(device, each, expected, 0);

    for (int i = 0; i < RESULTS.size(); i++) {
      boolean single = RESULTS.get(i).equals("logSumExp");
      double tolerance = tolerance(single ? DType.F32 : each.type);
      assertClose(RESULTS.get(i), actual.results.get(i), expected.results.get(i), tolerance);
    }
    assertThat(run(device, each, expected, 0).results)
        .usingRecursiveComparison()
        .isEqualTo(actual.results);
    assertThat(EmulatedDevices.emulator().faults()).isEmpty();
    EmulatedOperations.publish(reporter, device);
  }

  @ParameterizedTest
  @MethodSource("types")
  void rowsMayBeginAnywhere(Case each) {
    Compute device = devices.get(each.capability);
    Run aligned = run(device, each, null, 0);

    assertThat(run(device, each, aligned, 1).results)
        .usingRecursiveComparison()
        .isEqualTo(aligned.results);
    assertThat(EmulatedDevices.emulator().faults()).isEmpty();
  }

  static Stream<Case> types() {
    AttentionShape shape = new AttentionShape(1, 65, 2, 1, 64);
    return Stream.of(
        new Case(70, DType.F16, shape),
        new Case(80, DType.BF16, shape),
        new Case(90, DType.F32, shape));
  }

  @Test
  void headsThatDoNotFitAreRefused() {
    AttentionShape shape = new AttentionShape(1, 2, 1, 1, 258);

    assertThatThrownBy(() -> run(devices.get(70), new Case(70, DType.F32, shape), null, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("heads of 258 columns are too wide");
  }

  private static void assertClose(String name, float[] actual, float[] expected, double tolerance) {
    double largest = 1; // as the inputs, of which every result is a sum
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) actual[i])
          .as("%s, element %d of %d", name, i, expected.length)
          .isBetween(expected[i] - tolerance * largest, expected[i] + tolerance * largest);
    }
  }

  /**
   * Forward and backward. The backward pass takes outputs and logSumExp of {@code given}, so that
   * it is judged by itself.
   *
   * @param offset elements by which every tensor is moved in its memory
   */
  private static Run run(Compute compute, Case each, Run given, int offset) {
    AttentionShape shape = each.shape;
    int tokens = shape.tokens();
    try (DeviceTensors tensors = new DeviceTensors(compute, 7, each.type, each.type)) {
      Tensor q = moved(tensors, tensors.normal(tokens, shape.queryWidth()), offset);
      Tensor k = moved(tensors, tensors.normal(tokens, shape.kvWidth()), offset);
      Tensor v = moved(tensors, tensors.normal(tokens, shape.kvWidth()), offset);
      Tensor dOut = moved(tensors, tensors.normal(tokens, shape.queryWidth()), offset);
      Tensor out = output(tensors, tokens, shape.queryWidth(), offset);
      Tensor logSumExp = tensors.output(DType.F32, tokens, shape.heads());
      compute.attention(q, k, v, shape, out, logSumExp);
      List<float[]> results = new ArrayList<>(List.of(tensors.read(out), tensors.read(logSumExp)));

      if (given != null) {
        out =
            moved(
                tensors, tensors.floats(given.results.get(0), tokens, shape.queryWidth()), offset);
        logSumExp = tensors.floats(DType.F32, given.results.get(1), tokens, shape.heads());
      }
      Tensor dq = output(tensors, tokens, shape.queryWidth(), offset);
      Tensor dk = output(tensors, tokens, shape.kvWidth(), offset);
      Tensor dv = output(tensors, tokens, shape.kvWidth(), offset);
      compute.attentionBackward(q, k, v, out, logSumExp, dOut, shape, dq, dk, dv);
      for (Tensor gradient : List.of(dq, dk, dv)) {
        results.add(tensors.read(gradient));
      }
      return new Run(results);
    }
  }

  private static Tensor output(DeviceTensors tensors, int rows, int columns, int offset) {
    return tensors.output(rows * columns + offset).view(offset, Shape.of(rows, columns));
  }

  private static Tensor moved(DeviceTensors tensors, Tensor tensor, int offset) {
    if (offset == 0) {
      return tensor;
    }
    float[] values = tensors.read(tensor);
    float[] wider = new float[values.length + offset];
    System.arraycopy(values, 0, wider, offset, values.length);
    return tensors.floats(wider, wider.length).view(offset, tensor.shape());
  }
}
