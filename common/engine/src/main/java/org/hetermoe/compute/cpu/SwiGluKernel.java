package org.hetermoe.compute.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** SwiGLU: silu(gate) * up. Takes e^-gate of a chunk first, so that it stays in the first cache. */
final class SwiGluKernel {
  private static final int CHUNK = 1024;

  private SwiGluKernel() {}

  static void forward(long gate, long up, long out, int count, Scratch scratch) {
    long e = scratch.floats(CHUNK);
    for (int from = 0; from < count; from += CHUNK) {
      int size = Math.min(CHUNK, count - from);
      long at = 4L * from;
      VectorMath.exp(gate + at, -1f, 0f, e, size);
      multiply(gate + at, up + at, e, out + at, size);
    }
  }

  /** out = gate / (1 + e) * up. */
  private static void multiply(long gate, long up, long e, long out, int count) {
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = 4L * i;
      FloatVector silu = Lanes.load(gate + at).div(Lanes.load(e + at).add(1f));
      Lanes.store(silu.mul(Lanes.load(up + at)), out + at);
    }
    if (whole < count) {
      long at = 4L * whole;
      VectorMask<Float> mask = Lanes.first(count - whole);
      FloatVector silu = Lanes.load(gate + at, mask).div(Lanes.load(e + at, mask).add(1f));
      Lanes.store(silu.mul(Lanes.load(up + at, mask)), out + at, mask);
    }
  }

  static void backward(
      long gate, long up, long dOut, long dGate, long dUp, int count, Scratch scratch) {
    long e = scratch.floats(CHUNK);
    for (int from = 0; from < count; from += CHUNK) {
      int size = Math.min(CHUNK, count - from);
      long at = 4L * from;
      VectorMath.exp(gate + at, -1f, 0f, e, size);
      differentiate(gate + at, up + at, dOut + at, e, dGate + at, dUp + at, size);
    }
  }

  /** With s = 1 / (1 + e): dGate = dOut up s (1 + gate (1 - s)), dUp = dOut gate s. */
  private static void differentiate(
      long gate, long up, long dOut, long e, long dGate, long dUp, int count) {
    FloatVector one = Lanes.broadcast(1f);
    int whole = Lanes.whole(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      long at = 4L * i;
      FloatVector s = one.div(Lanes.load(e + at).add(one));
      FloatVector g = Lanes.load(gate + at);
      FloatVector ds = Lanes.load(dOut + at).mul(s);
      FloatVector du = ds.mul(Lanes.load(up + at));
      Lanes.store(du.mul(one.sub(s).fma(g, one)), dGate + at);
      Lanes.store(ds.mul(g), dUp + at);
    }
    if (whole < count) {
      long at = 4L * whole;
      VectorMask<Float> mask = Lanes.first(count - whole);
      FloatVector s = one.div(Lanes.load(e + at, mask).add(one));
      FloatVector g = Lanes.load(gate + at, mask);
      FloatVector ds = Lanes.load(dOut + at, mask).mul(s);
      FloatVector du = ds.mul(Lanes.load(up + at, mask));
      Lanes.store(du.mul(one.sub(s).fma(g, one)), dGate + at, mask);
      Lanes.store(ds.mul(g), dUp + at, mask);
    }
  }
}
