package org.hetermoe.compute.cuda;

import org.hetermoe.compute.AdamWStep;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.cuda.memory.DeviceTensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/** Operations on one element at a time, the optimizer, and the sum of squares. */
final class ElementOperations {
  private static final int THREADS = 256;

  /** Of a streaming multiprocessor: enough to hide memory's latency; the rest is a loop. */
  private static final int BLOCKS_PER_PROCESSOR = 16;

  private static final int VECTOR_BYTES = 16;
  private static final int SQUARES_PER_BLOCK = 65_536;

  private final CudaDevice device;
  private final Kernels.Typed fill32;
  private final Kernels.Typed fill16;
  private final Kernels.Typed add;
  private final Kernels.Typed convert;
  private final Kernels.Typed swiGlu;
  private final Kernels.Typed swiGluBackward;
  private final Kernels.Typed adamW;
  private final Kernels.Typed squares;
  private final Kernels.Typed squaresTotal;

  ElementOperations(CudaDevice device) {
    this.device = device;
    Kernels kernels = device.kernels();
    this.fill32 = kernels.typed("elements", "fill_32");
    this.fill16 = kernels.typed("elements", "fill_16");
    this.add = kernels.typed("elements", "add");
    this.convert = kernels.typed("elements", "convert");
    this.swiGlu = kernels.typed("elements", "swiglu");
    this.swiGluBackward = kernels.typed("elements", "swiglu_backward");
    this.adamW = kernels.typed("elements", "adamw");
    this.squares = kernels.typed("elements", "squares");
    this.squaresTotal = kernels.typed("elements", "squares_total");
  }

  private int blocks(long elements, int bytes) {
    long perBlock = (long) THREADS * VECTOR_BYTES / bytes;
    long most = (long) device.info().multiprocessors() * BLOCKS_PER_PROCESSOR;
    return (int) Math.min((elements + perBlock - 1) / perBlock, most);
  }

  private static long count(Tensor x) {
    return x.shape().elements();
  }

  void fill(Tensor x, float value) {
    Operands.floatingPoint(x, "x");
    boolean wide = x.dtype() == DType.F32;
    int bits =
        switch (x.dtype()) {
          case F16 -> Short.toUnsignedInt(Float.floatToFloat16(value));
          case BF16 -> bfloat16(value);
          default -> Float.floatToRawIntBits(value);
        };
    device
        .work()
        .of(wide ? fill32.single() : fill16.single())
        .tensor(x)
        .i64(count(x))
        .i32(bits)
        .run(blocks(count(x), x.dtype().bytes()), THREADS);
  }

  /** The upper half of a float, rounded to nearest, ties to even. */
  private static int bfloat16(float value) {
    if (Float.isNaN(value)) {
      return 0x7fff;
    }
    int bits = Float.floatToRawIntBits(value);
    return (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16;
  }

  void copy(Tensor source, Tensor target) {
    Operands.copy(source, target);
    Work work = device.work();
    work.begin();
    long from = work.address(source);
    long to = work.address(target);
    if (source.bytes() > 0) {
      device.lanes().compute().stream().copy(to, from, source.bytes());
    }
  }

  void add(Tensor source, Tensor target) {
    Operands.add(source, target);
    device
        .work()
        .of(add.of(source.dtype()))
        .tensor(source)
        .tensor(target)
        .i64(count(source))
        .run(blocks(count(source), source.dtype().bytes()), THREADS);
  }

  void convert(Tensor source, Tensor target) {
    Operands.convert(source, target);
    if (source.dtype() == target.dtype()) {
      copy(source, target);
      return;
    }
    device
        .work()
        .of(convert.of(source.dtype(), target.dtype()))
        .tensor(source)
        .tensor(target)
        .i64(count(source))
        .run(blocks(count(source), 2), THREADS);
  }

  void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Operands.swiGlu(gate, up, out);
    device
        .work()
        .of(swiGlu.of(gate.dtype()))
        .tensor(gate)
        .tensor(up)
        .tensor(out)
        .i64(count(gate))
        .run(blocks(count(gate), gate.dtype().bytes()), THREADS);
  }

  void swiGluBackward(Tensor gate, Tensor up, Tensor dOut, Tensor dGate, Tensor dUp) {
    Operands.swiGlu(gate, up, dOut, dGate, dUp);
    device
        .work()
        .of(swiGluBackward.of(gate.dtype()))
        .tensor(gate)
        .tensor(up)
        .tensor(dOut)
        .tensor(dGate)
        .tensor(dUp)
        .i64(count(gate))
        .run(blocks(count(gate), gate.dtype().bytes()), THREADS);
  }

  void adamW(Tensor master, Tensor value, Tensor gradient, Tensor m, Tensor v, AdamWStep step) {
    Operands.adamW(master, value, gradient, m, v);
    Work work = device.work().of(adamW.of(value.dtype()));
    long masterAddress = work.address(master);
    long valueAddress = work.address(value);
    work.pointer(masterAddress)
        .pointer(valueAddress == masterAddress ? 0 : valueAddress)
        .tensor(gradient)
        .tensor(m)
        .tensor(v)
        .i64(count(master))
        .words(
            two(
                1 - step.learningRate() * step.weightDecay(),
                step.learningRate() / step.biasCorrection1()),
            two(step.beta1(), 1 - step.beta1()),
            two(step.beta2(), 1 - step.beta2()),
            two(1 / step.biasCorrection2(), step.epsilon()),
            two(step.gradientScale(), 0))
        .run(blocks(count(master), Float.BYTES), THREADS);
  }

  /** Two floats beside each other in a structure. */
  private static long two(double first, double second) {
    return Integer.toUnsignedLong(Float.floatToRawIntBits((float) first))
        | (long) Float.floatToRawIntBits((float) second) << Integer.SIZE;
  }

  double sumOfSquares(Tensor x) {
    Operands.floats(x, "x");
    int blocks = Math.toIntExact((count(x) + SQUARES_PER_BLOCK - 1) / SQUARES_PER_BLOCK);
    // A double takes the room of two floats.
    try (DeviceTensor partial =
        device.memory().allocate(DType.F32, Shape.of(Math.max(1, blocks), 2))) {
      device
          .work()
          .of(squares.single())
          .tensor(x)
          .i64(count(x))
          .tensor(partial)
          .run(blocks, THREADS);
      device
          .work()
          .of(squaresTotal.single())
          .tensor(partial)
          .i32(blocks)
          .pointer(device.mailbox().numberAddress())
          .run(1, THREADS);
    }
    device.lanes().compute().synchronize();
    device.mailbox().check();
    return device.mailbox().number();
  }
}
