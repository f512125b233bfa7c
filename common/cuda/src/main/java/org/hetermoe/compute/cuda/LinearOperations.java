package org.hetermoe.compute.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.Operands;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.cuda.blas.Cublas;
import org.hetermoe.compute.cuda.blas.ProductQueue;
import org.hetermoe.compute.cuda.driver.Event;
import org.hetermoe.compute.cuda.driver.Stream;
import org.hetermoe.tensor.DType;

/**
 * Matrix products. Those of a group of weights go to a few streams beside each other, one call of
 * cuBLAS for each weight that has rows: how a product is cut depends on its own sizes then, never
 * on its neighbours.
 */
final class LinearOperations implements AutoCloseable {
  /** Products of different experts that may be under way at once. */
  private static final int SIDE_STREAMS = 4;

  private final CudaDevice device;
  private final Cublas cublas;
  private final ProductQueue queue;
  private final List<Side> sides = new ArrayList<>();
  private Event fork;

  /** A stream beside the one that computes. */
  private record Side(Stream stream, ProductQueue queue, Event joined) implements AutoCloseable {
    @Override
    public void close() {
      queue.close();
      joined.close();
      stream.close();
    }
  }

  /** The product of one group, in the queue it is given. */
  private interface Product {
    void queue(ProductQueue queue, int group);
  }

  LinearOperations(CudaDevice device, Cublas cublas) {
    this.device = device;
    this.cublas = cublas;
    this.queue = products(device.lanes().compute().stream());
  }

  private ProductQueue products(Stream stream) {
    long bytes = ProductQueue.workspaceBytes(device.info());
    return new ProductQueue(cublas, stream, device.memory().reserve(bytes, "cuBLAS's workspace"));
  }

  /** Begins a piece of work with operands of a type. */
  private Work begin(DType type) {
    device
        .refusal(type)
        .ifPresent(
            reason -> {
              throw new IllegalArgumentException(reason);
            });
    Work work = device.work();
    work.begin();
    return work;
  }

  void linear(Tensor x, Tensor w, Tensor y) {
    Operands.linear(x, w, y);
    Work work = begin(x.dtype());
    long from = work.address(x);
    long weight = work.address(w);
    long to = work.address(y);
    if (x.shape().rows() > 0) {
      queue.forward(from, weight, to, x.shape().rows(), in(w), out(w), x.dtype(), y.dtype());
    }
  }

  void linearBackwardInput(Tensor dy, Tensor w, Tensor dx, boolean accumulate) {
    Operands.linearBackwardInput(dy, w, dx);
    Work work = begin(dy.dtype());
    long from = work.address(dy);
    long weight = work.address(w);
    long to = work.address(dx);
    if (dy.shape().rows() > 0) {
      queue.backwardInput(
          from, weight, to, dy.shape().rows(), in(w), out(w), dy.dtype(), accumulate);
    }
  }

  void linearBackwardWeight(Tensor dy, Tensor x, Tensor dw) {
    Operands.linearBackwardWeight(dy, x, dw);
    Work work = begin(dy.dtype());
    long gradient = work.address(dy);
    long input = work.address(x);
    long to = work.address(dw);
    if (dy.shape().rows() > 0) {
      queue.backwardWeight(gradient, input, to, dy.shape().rows(), in(dw), out(dw), dy.dtype());
    }
  }

  void groupedLinear(Tensor x, Groups groups, List<Tensor> w, Tensor y) {
    Operands.groupedLinear(x, groups, w, y);
    Work work = begin(x.dtype());
    long from = work.address(x);
    long to = work.address(y);
    long[] weights = addresses(work, w);
    forEach(
        groups,
        (products, g) ->
            products.forward(
                rows(from, x, groups, g),
                weights[g],
                rows(to, y, groups, g),
                groups.size(g),
                in(w.get(g)),
                out(w.get(g)),
                x.dtype(),
                x.dtype()));
  }

  void groupedLinearBackwardInput(
      Tensor dy, Groups groups, List<Tensor> w, Tensor dx, boolean accumulate) {
    Operands.groupedLinearBackwardInput(dy, groups, w, dx);
    Work work = begin(dy.dtype());
    long from = work.address(dy);
    long to = work.address(dx);
    long[] weights = addresses(work, w);
    forEach(
        groups,
        (products, g) ->
            products.backwardInput(
                rows(from, dy, groups, g),
                weights[g],
                rows(to, dx, groups, g),
                groups.size(g),
                in(w.get(g)),
                out(w.get(g)),
                dy.dtype(),
                accumulate));
  }

  void groupedLinearBackwardWeight(Tensor dy, Tensor x, Groups groups, List<Tensor> dw) {
    Operands.groupedLinearBackwardWeight(dy, x, groups, dw);
    Work work = begin(dy.dtype());
    long gradient = work.address(dy);
    long input = work.address(x);
    long[] targets = addresses(work, dw);
    forEach(
        groups,
        (products, g) ->
            products.backwardWeight(
                rows(gradient, dy, groups, g),
                rows(input, x, groups, g),
                targets[g],
                groups.size(g),
                in(dw.get(g)),
                out(dw.get(g)),
                dy.dtype()));
  }

  private static long[] addresses(Work work, List<Tensor> tensors) {
    return tensors.stream().mapToLong(work::address).toArray();
  }

  /** Where a group's rows of a tensor begin. */
  private static long rows(long address, Tensor tensor, Groups groups, int group) {
    return address + (long) groups.start(group) * tensor.shape().columns() * tensor.dtype().bytes();
  }

  private static int in(Tensor weight) {
    return weight.shape().columns();
  }

  private static int out(Tensor weight) {
    return weight.shape().rows();
  }

  /** Queues the products of all groups that have rows. */
  private void forEach(Groups groups, Product product) {
    int[] busy =
        IntStream.range(0, groups.count()).filter(group -> groups.size(group) > 0).toArray();
    if (busy.length <= 1) {
      for (int group : busy) {
        product.queue(queue, group);
      }
      return;
    }
    Stream compute = device.lanes().compute().stream();
    int used = Math.min(busy.length, SIDE_STREAMS);
    openSides(used);
    fork.record(compute);
    for (int side = 0; side < used; side++) {
      sides.get(side).stream.waitFor(fork);
    }
    try {
      for (int i = 0; i < busy.length; i++) {
        product.queue(sides.get(i % used).queue, busy[i]);
      }
    } finally {
      for (int side = 0; side < used; side++) {
        sides.get(side).joined.record(sides.get(side).stream);
        compute.waitFor(sides.get(side).joined);
      }
    }
  }

  private void openSides(int count) {
    if (fork == null) {
      fork = device.context().newEvent();
    }
    while (sides.size() < count) {
      Stream stream = device.context().newStream();
      sides.add(new Side(stream, products(stream), device.context().newEvent()));
    }
  }

  @Override
  public void close() {
    sides.forEach(Side::close);
    if (fork != null) {
      fork.close();
    }
    queue.close();
  }
}
