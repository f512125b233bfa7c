package org.hetermoe.compute.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.hetermoe.compute.host.Conversion;
import org.hetermoe.compute.host.HostMemory;
import org.hetermoe.compute.host.HostTensor;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.junit.jupiter.api.Test;

/** Vectors convert as the plain loop does, to the last bit. */
class Bf16KernelTest {

  @Test
  void everyNumberOfBf16IsWidenedAndComesBack() {
    int count = (1 << Short.SIZE) + 5; // whole registers, and a tail
    try (HostMemory memory = new HostMemory();
        HostTensor stored = memory.allocate(DType.BF16, Shape.of(count));
        HostTensor floats = memory.allocate(DType.F32, Shape.of(count));
        HostTensor back = memory.allocate(DType.BF16, Shape.of(count))) {
      for (int i = 0; i < count; i++) {
        Lanes.putShort(stored.address() + 2L * i, (short) i);
      }
      Bf16Kernel.widen(stored.address(), floats.address(), count);
      Bf16Kernel.round(floats.address(), back.address(), count);
      for (int i = 0; i < count; i++) {
        int widened = Lanes.getInt(floats.address() + 4L * i);
        if (widened != (i & 0xffff) << Short.SIZE) {
          assertThat(widened).as("widened %x", i).isEqualTo((i & 0xffff) << Short.SIZE);
        }
        short expected =
            Float.isNaN(Float.intBitsToFloat(widened)) ? (short) (i | 0x40) : (short) i;
        if (Lanes.getShort(back.address() + 2L * i) != expected) {
          assertThat(Lanes.getShort(back.address() + 2L * i)).as("%x", i).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void anyFloatIsRoundedAsByThePlainLoop() {
    Random random = new Random(7);
    for (int count : new int[] {0, 1, 3, 15, 16, 17, 4099, 200_000}) {
      try (HostMemory memory = new HostMemory();
          HostTensor floats = memory.allocate(DType.F32, Shape.of(count));
          HostTensor expected = memory.allocate(DType.BF16, Shape.of(count));
          HostTensor actual = memory.allocate(DType.BF16, Shape.of(count))) {
        for (int i = 0; i < count; i++) {
          // Any bits; every fourth half way between two numbers of bf16, where ties are.
          int bits = random.nextInt();
          Lanes.putInt(floats.address() + 4L * i, i % 4 == 0 ? (bits & 0xffff0000) | 0x8000 : bits);
        }
        Conversion.convert(floats, expected);
        Bf16Kernel.round(floats.address(), actual.address(), count);
        assertThat(actual.segment().mismatch(expected.segment())).isEqualTo(-1);
      }
    }
  }
}
