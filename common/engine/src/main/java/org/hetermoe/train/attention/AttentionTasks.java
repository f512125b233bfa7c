package org.hetermoe.train.attention;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Holder;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.AttentionLayer;
import org.hetermoe.nn.LanguageHead;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.nn.RotaryTable;
import org.hetermoe.nn.Routing;
import org.hetermoe.run.Recompute;
import org.hetermoe.schedule.Split;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.tensor.Shape;
import org.hetermoe.train.attention.TokenDispatcher.Returned;
import org.hetermoe.train.step.BatchTotals;
import org.hetermoe.train.step.Computation.Attention;
import org.hetermoe.train.step.Computation.Embedding;
import org.hetermoe.train.step.Computation.Head;
import org.hetermoe.train.step.Mode;
import org.hetermoe.train.step.RouterStatistics;
import org.hetermoe.train.step.TaskClock;

/**
 * One replica of the attention side: computes the tasks of a schedule for its share of each
 * micro-batch, and accumulates gradients. It is told what to compute, and in which order; with whom
 * it exchanges tokens is behind {@link TokenDispatcher}.
 */
public final class AttentionTasks implements AutoCloseable {
  private final Compute compute;
  private final ModelConfig model;
  private final boolean recompute;
  private final ParameterSet parameters;
  private final TokenDispatcher dispatcher;
  private final StatisticsExchange statistics;
  private final TaskClock clock;
  private final RotaryTable rotary;
  private final LanguageHead head;
  private final List<AttentionLayer> layers = new ArrayList<>();
  private final Map<Integer, MicroBatchState> inFlight = new HashMap<>();

  /**
   * A replica over its parameters.
   *
   * @param sequenceLength tokens per sequence
   * @param recompute whether layers keep their input alone, and compute the rest again
   */
  public AttentionTasks(
      Compute compute,
      ModelConfig model,
      int sequenceLength,
      Recompute recompute,
      ParameterSet parameters,
      TokenDispatcher dispatcher,
      StatisticsExchange statistics,
      TaskClock clock) {
    this.compute = compute;
    this.model = model;
    this.recompute = recompute.attention();
    this.parameters = parameters;
    this.dispatcher = dispatcher;
    this.statistics = statistics;
    this.clock = clock;
    this.rotary = new RotaryTable(compute, model, sequenceLength);
    this.head = new LanguageHead(compute, model, parameters);
    for (int layer = 0; layer < model.layers(); layer++) {
      layers.add(new AttentionLayer(compute, model, parameters, rotary, layer));
    }
  }

  /**
   * Takes in this replica's share of a micro-batch.
   *
   * @param batch all sequences
   * @param sequences which of them are this replica's; may be none
   * @param totals of the batch, by which its sums are divided
   * @param mode whether a backward follows
   */
  public void begin(
      int microBatch, SequenceBatch batch, Split sequences, BatchTotals totals, Mode mode) {
    inFlight.put(
        microBatch,
        new MicroBatchState(
            compute,
            model,
            batch.slice(sequences.from(), sequences.count()),
            sequences,
            totals,
            mode));
  }

  /** Computes one task of the schedule. */
  public void run(Task task) throws InterruptedException {
    switch (task.direction()) {
      case FORWARD -> forward(task.stage(), task.microBatch());
      case BACKWARD -> backward(task.stage(), task.microBatch());
    }
  }

  /**
   * Sum of the cross entropies of a micro-batch's tokens here, in nats; ends a forward-only pass.
   */
  public double finish(int microBatch) {
    MicroBatchState flight = inFlight.remove(microBatch);
    flight.close();
    return flight.crossEntropySum;
  }

  private void forward(int stage, int microBatch) throws InterruptedException {
    MicroBatchState flight = inFlight.get(microBatch);
    int tokens = flight.shape.tokens();
    Tensor x =
        compute.allocate(Holder.ACTIVATIONS, parameters.type(), Shape.of(tokens, model.hidden()));
    if (stage == 0) {
      head.embed(flight.ids, x);
      clock.computed(new Embedding(tokens, Direction.FORWARD));
    } else {
      combine(flight, stage - 1, microBatch, x);
    }
    if (stage < model.layers()) {
      route(flight, stage, microBatch, x);
    } else {
      flight.head = head.forward(x, flight.targets);
      clock.listener().logits(flight.sequences, flight.head.logits());
      flight.crossEntropySum = sum(flight.head.losses());
      clock.computed(new Head(tokens, Direction.FORWARD));
    }
  }

  private void combine(MicroBatchState flight, int layer, int microBatch, Tensor x)
      throws InterruptedException {
    MicroBatchState.LayerState state = flight.layers[layer];
    state.outputs = dispatcher.combine(flight.mode, layer, microBatch);
    compute.combine(
        state.activations.residual(),
        state.outputs.rows(),
        state.source,
        state.row,
        state.activations.weights(),
        x);
    if (flight.mode == Mode.EVAL) {
      flight.release(layer);
    } else if (recompute) {
      state.keepForBackward();
    }
  }

  private void route(MicroBatchState flight, int layer, int microBatch, Tensor x)
      throws InterruptedException {
    AttentionLayer.Activations activations = layers.get(layer).forward(x, flight.shape);
    int[] chosen = new int[flight.shape.tokens() * model.topK()];
    compute.read(activations.experts(), MemorySegment.ofArray(chosen));
    Routing routing = dispatcher.route(layer, chosen);
    flight.layers[layer] = new MicroBatchState.LayerState(compute, activations, routing);
    clock.computed(new Attention(layer, flight.shape.sequences(), Direction.FORWARD, false));
    dispatcher.dispatch(flight.mode, layer, microBatch, activations.normed(), routing);
    clock.listener().routerLogits(layer, flight.sequences, activations.logits());
    if (flight.mode == Mode.TRAIN) {
      flight.routed.addLayer(
          routing.expertCounts(),
          columnSums(activations.probabilities()),
          floats(activations.logSumExp()));
      if (layer == model.layers() - 1) {
        statistics.share(microBatch, flight.routed);
      }
      if (recompute) {
        flight.layers[layer].keepForCombine();
      }
    }
  }

  private void backward(int stage, int microBatch) throws InterruptedException {
    MicroBatchState flight = inFlight.get(microBatch);
    if (stage == model.layers()) {
      headBackward(flight, microBatch);
    } else {
      layerBackward(flight, stage, microBatch);
    }
    if (stage == 0) {
      head.embedBackward(flight.ids, flight.gradient);
      clock.computed(new Embedding(flight.shape.tokens(), Direction.BACKWARD));
    } else {
      dispatchGradient(flight, stage - 1, microBatch);
    }
  }

  private void headBackward(MicroBatchState flight, int microBatch) throws InterruptedException {
    flight.gradient =
        flight.workspace.tensor(parameters.type(), flight.shape.tokens(), model.hidden());
    float scale = (float) (flight.totals.lossScale() / flight.totals.predictedTokens());
    head.backward(flight.head, flight.targets, scale, flight.gradient);
    flight.releaseHead();
    clock.computed(new Head(flight.shape.tokens(), Direction.BACKWARD));
    RouterStatistics group = statistics.group(microBatch);
    flight.balance =
        flight.workspace.floats(group.balanceGradient(model, flight.totals), model.experts());
  }

  /**
   * Sends the gradient on to the experts first, then does the gate branch while they work; later,
   * where what it needs has to be computed again.
   */
  private void dispatchGradient(MicroBatchState flight, int layer, int microBatch)
      throws InterruptedException {
    MicroBatchState.LayerState state = flight.layers[layer];
    dispatcher.dispatchGradient(
        layer, microBatch, flight.gradient, state.activations.weights(), state.routing);

    state.allocateWeightsGradient();
    compute.combineBackwardWeights(
        flight.gradient, state.outputs.rows(), state.source, state.row, state.dWeights);
    if (!recompute) {
      gateBackward(flight, layer);
    }
    state.releaseOutputs();
  }

  private void gateBackward(MicroBatchState flight, int layer) {
    MicroBatchState.LayerState state = flight.layers[layer];
    state.allocateGateBranch(parameters.type(), model.hidden());
    double zScale = model.zCoefficient() / ((double) flight.totals.tokens() * model.layers());
    layers
        .get(layer)
        .gateBackward(
            state.activations,
            state.dWeights,
            flight.balance,
            (float) (flight.totals.lossScale() * zScale),
            state.gateBranch);
  }

  private void layerBackward(MicroBatchState flight, int layer, int microBatch)
      throws InterruptedException {
    MicroBatchState.LayerState state = flight.layers[layer];
    if (recompute) {
      state.computeAgain(layers.get(layer));
      gateBackward(flight, layer);
    }
    try (Returned gradients = dispatcher.combineGradient(layer, microBatch)) {
      Tensor dNormed = state.gateBranch;
      compute.combine(dNormed, gradients.rows(), state.source, state.row, null, dNormed);
    }
    layers.get(layer).backward(state.activations, state.gateBranch, flight.gradient);
    clock.computed(new Attention(layer, flight.shape.sequences(), Direction.BACKWARD, recompute));
    flight.release(layer);
  }

  private float[] columnSums(Tensor x) {
    try (Workspace w = new Workspace(compute)) {
      Tensor sums = w.f32(x.shape().columns());
      compute.columnSums(x, sums);
      return floats(sums);
    }
  }

  private double sum(Tensor losses) {
    double sum = 0;
    for (float loss : floats(losses)) {
      sum += loss;
    }
    return sum;
  }

  private float[] floats(Tensor x) {
    float[] values = new float[Math.toIntExact(x.shape().elements())];
    compute.read(x, MemorySegment.ofArray(values));
    return values;
  }

  @Override
  public void close() {
    inFlight.values().forEach(MicroBatchState::close);
    inFlight.clear();
    rotary.close();
  }
}
