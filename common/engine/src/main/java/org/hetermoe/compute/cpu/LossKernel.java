package org.hetermoe.compute.cpu;

import org.hetermoe.compute.Operands;

/** Cross entropy over rows [from, to). */
final class LossKernel {
  private LossKernel() {}

  static void forward(
      long logits,
      long targets,
      long losses,
      long logSumExp,
      int columns,
      int from,
      int to,
      Scratch scratch) {
    for (int t = from; t < to; t++) {
      long row = logits + 4L * t * columns;
      float max = SoftmaxKernel.max(row, columns);
      float sum = SoftmaxKernel.sumOfExp(row, columns, max, scratch);
      float lse = max + (float) StrictMath.log(sum);
      Lanes.put(logSumExp + 4L * t, lse);
      int target = Lanes.getInt(targets + 4L * t);
      float loss = 0f;
      if (target >= 0) {
        loss = lse - Lanes.get(row + 4L * Operands.index(target, columns, "target"));
      }
      Lanes.put(losses + 4L * t, loss);
    }
  }

  static void backward(
      long logits,
      long targets,
      long logSumExp,
      float scale,
      long dLogits,
      int columns,
      int from,
      int to) {
    for (int t = from; t < to; t++) {
      long offset = 4L * t * columns;
      int target = Lanes.getInt(targets + 4L * t);
      if (target < 0) {
        ElementKernel.fill(dLogits + offset, columns, 0f);
        continue;
      }
      Operands.index(target, columns, "target");
      float lse = Lanes.get(logSumExp + 4L * t);
      VectorMath.exp(logits + offset, 1f, -lse, dLogits + offset, columns);
      ElementKernel.scale(dLogits + offset, scale, dLogits + offset, columns);
      long hit = dLogits + offset + 4L * target;
      Lanes.put(hit, Lanes.get(hit) - scale);
    }
  }
}
