package org.hetermoe.train.attention;

import java.util.List;
import org.hetermoe.compute.Tensor;
import org.hetermoe.nn.Routing;
import org.hetermoe.train.step.Mode;

/**
 * The seam between attention and experts, seen from one attention rank. A dispatch returns at once;
 * a combine waits for the results. Per layer and micro-batch: route, dispatch, combine, dispatch
 * gradient, combine gradient, in this order; to evaluate, the first three.
 */
public interface TokenDispatcher {
  /**
   * Where tokens go.
   *
   * @param chosen expert ids, [T,K] row-major
   */
  Routing route(int layer, int[] chosen);

  /**
   * Sends token rows to the experts.
   *
   * @param tokens [T,H]; read before this returns
   */
  void dispatch(Mode mode, int layer, int microBatch, Tensor tokens, Routing routing)
      throws InterruptedException;

  /** Waits for the experts' outputs. */
  Returned combine(Mode mode, int layer, int microBatch) throws InterruptedException;

  /**
   * Sends the gradients of the layer's output rows; each assignment's is scaled by its routing
   * weight where the expert is.
   *
   * @param d [T,H]; read before this returns
   * @param weights [T,K]
   */
  void dispatchGradient(int layer, int microBatch, Tensor d, Tensor weights, Routing routing)
      throws InterruptedException;

  /** Waits for the gradients of the token rows. */
  Returned combineGradient(int layer, int microBatch) throws InterruptedException;

  /**
   * Rows that came back: one tensor [A,H] for each rank that owns experts of the layer, rows in the
   * order of its share's assignments. Closed when no longer needed.
   *
   * @param rows by index of the owner, as in the routing
   * @param release gives the memory back
   */
  record Returned(List<Tensor> rows, Runnable release) implements AutoCloseable {
    @Override
    public void close() {
      release.run();
    }
  }
}
