package org.hetermoe.compute.reference;

import org.hetermoe.compute.AttentionShape;

/** Causal grouped-query attention, one query row of one head at a time. */
final class Attention {
  private final Floats q;
  private final Floats k;
  private final Floats v;
  private final AttentionShape shape;
  private final double scale;

  Attention(Floats q, Floats k, Floats v, AttentionShape shape) {
    this.q = q;
    this.k = k;
    this.v = v;
    this.shape = shape;
    this.scale = 1 / StrictMath.sqrt(shape.headDim());
  }

  void forward(Floats out, Floats logSumExp) {
    double[] scores = new double[shape.length()];
    for (int t = 0; t < shape.tokens(); t++) {
      int first = t - t % shape.length();
      for (int head = 0; head < shape.heads(); head++) {
        double max = Double.NEGATIVE_INFINITY;
        for (int s = first; s <= t; s++) {
          scores[s - first] = score(t, s, head);
          max = Math.max(max, scores[s - first]);
        }
        double sum = 0;
        for (int s = first; s <= t; s++) {
          scores[s - first] = StrictMath.exp(scores[s - first] - max);
          sum += scores[s - first];
        }
        logSumExp.set(t, head, max + StrictMath.log(sum));
        for (int i = 0; i < shape.headDim(); i++) {
          double value = 0;
          for (int s = first; s <= t; s++) {
            value += scores[s - first] * v.get(s, kvColumn(head) + i);
          }
          out.set(t, head * shape.headDim() + i, value / sum);
        }
      }
    }
  }

  void backward(Floats out, Floats logSumExp, Floats dOut, Floats dq, Floats dk, Floats dv) {
    double[] dqSums = new double[(int) dq.count()];
    double[] dkSums = new double[(int) dk.count()];
    double[] dvSums = new double[(int) dv.count()];
    for (int t = 0; t < shape.tokens(); t++) {
      for (int head = 0; head < shape.heads(); head++) {
        int qColumn = head * shape.headDim();
        int kvColumn = kvColumn(head);
        double outDot = 0;
        for (int i = 0; i < shape.headDim(); i++) {
          outDot += dOut.get(t, qColumn + i) * out.get(t, qColumn + i);
        }
        for (int s = t - t % shape.length(); s <= t; s++) {
          double p = StrictMath.exp(score(t, s, head) - logSumExp.get(t, head));
          double dp = 0;
          for (int i = 0; i < shape.headDim(); i++) {
            dp += dOut.get(t, qColumn + i) * v.get(s, kvColumn + i);
          }
          double dScore = p * (dp - outDot) * scale;
          for (int i = 0; i < shape.headDim(); i++) {
            int qIndex = t * q.columns() + qColumn + i;
            int kvIndex = s * k.columns() + kvColumn + i;
            dqSums[qIndex] += dScore * k.get(kvIndex);
            dkSums[kvIndex] += dScore * q.get(qIndex);
            dvSums[kvIndex] += p * dOut.get(qIndex);
          }
        }
      }
    }
    setAll(dq, dqSums);
    setAll(dk, dkSums);
    setAll(dv, dvSums);
  }

  private double score(int t, int s, int head) {
    double dot = 0;
    for (int i = 0; i < shape.headDim(); i++) {
      dot += q.get(t, head * shape.headDim() + i) * k.get(s, kvColumn(head) + i);
    }
    return dot * scale;
  }

  private int kvColumn(int head) {
    return head / (shape.heads() / shape.kvHeads()) * shape.headDim();
  }

  private static void setAll(Floats target, double[] values) {
    for (int i = 0; i < values.length; i++) {
      target.set(i, values[i]);
    }
  }
}
