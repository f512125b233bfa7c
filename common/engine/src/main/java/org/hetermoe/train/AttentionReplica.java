package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.AttentionLayer;
import org.hetermoe.nn.ExpertExchange;
import org.hetermoe.nn.ExpertExchange.Returned;
import org.hetermoe.nn.LanguageHead;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.nn.RotaryTable;
import org.hetermoe.nn.Routing;
import org.hetermoe.schedule.Split;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * One replica of the attention side: computes the tasks of a schedule for its share of each
 * micro-batch, and accumulates gradients. It is told what to compute, and in which order; with whom
 * it exchanges tokens is behind {@link ExpertExchange}.
 */
final class AttentionReplica implements AutoCloseable {
  private final Compute compute;
  private final ModelConfig model;
  private final ParameterSet parameters;
  private final ExpertExchange experts;
  private final StatisticsExchange statistics;
  private final StepProbe probe;
  private final PacedWork paced;
  private final RotaryTable rotary;
  private final LanguageHead head;
  private final List<AttentionLayer> layers = new ArrayList<>();
  private final Map<Integer, InFlight> inFlight = new HashMap<>();

  /**
   * A replica over its parameters.
   *
   * @param sequenceLength tokens per sequence
   */
  AttentionReplica(
      Compute compute,
      ModelConfig model,
      int sequenceLength,
      ParameterSet parameters,
      ExpertExchange experts,
      StatisticsExchange statistics,
      StepProbe probe,
      PacedWork paced) {
    this.compute = compute;
    this.model = model;
    this.parameters = parameters;
    this.experts = experts;
    this.statistics = statistics;
    this.probe = probe;
    this.paced = paced;
    this.rotary = new RotaryTable(compute, model, sequenceLength);
    this.head = new LanguageHead(compute, model, parameters);
    for (int layer = 0; layer < model.layers(); layer++) {
      layers.add(new AttentionLayer(compute, model, parameters, rotary, layer));
    }
  }

  /**
   * What divides the sums of a batch into means.
   *
   * @param predictedTokens targets of the whole batch that are not ignored
   * @param tokens of the whole batch
   */
  record BatchTotals(long predictedTokens, long tokens) {}

  /** What one layer of one micro-batch keeps between forward and backward. */
  private static final class LayerState {
    private final AttentionLayer.Activations activations;
    private final Routing routing;
    private final Tensor source;
    private final Tensor row;
    private Returned outputs;
    private Tensor gateBranch;

    LayerState(AttentionLayer.Activations activations, Routing routing) {
      this.activations = activations;
      this.routing = routing;
      int k = routing.topK();
      this.source = activations.workspace().ints(routing.source(), routing.tokens(), k);
      this.row = activations.workspace().ints(routing.row(), routing.tokens(), k);
    }

    void close() {
      releaseOutputs();
      activations.close();
    }

    void releaseOutputs() {
      if (outputs != null) {
        outputs.close();
        outputs = null;
      }
    }
  }

  /** One micro-batch on its way. */
  private final class InFlight {
    private final Split sequences;
    private final boolean trains;
    private final BatchTotals totals;
    private final AttentionShape shape;
    private final Workspace workspace = new Workspace(compute);
    private final Tensor ids;
    private final Tensor targets;
    private final RouterStatistics routed = new RouterStatistics(model.experts());
    private final LayerState[] states = new LayerState[model.layers()];
    private LanguageHead.Activations headState;
    private Tensor gradient;
    private Tensor balance;
    private double crossEntropySum;

    InFlight(SequenceBatch slice, Split sequences, BatchTotals totals, boolean trains) {
      this.sequences = sequences;
      this.totals = totals;
      this.trains = trains;
      this.shape =
          new AttentionShape(
              slice.sequences(), slice.length(), model.heads(), model.kvHeads(), model.headDim());
      this.ids = workspace.ints(slice.inputs(), slice.tokens());
      this.targets = workspace.ints(slice.targets(), slice.tokens());
      routed.addTokens(slice.tokens());
    }

    void close() {
      for (LayerState state : states) {
        if (state != null) {
          state.close();
        }
      }
      if (headState != null) {
        headState.close();
      }
      workspace.close();
    }
  }

  ParameterSet parameters() {
    return parameters;
  }

  /**
   * Takes in this replica's share of a micro-batch.
   *
   * @param batch all sequences
   * @param sequences which of them are this replica's; may be none
   * @param trains whether a backward follows
   */
  void begin(
      int microBatch, SequenceBatch batch, Split sequences, BatchTotals totals, boolean trains) {
    inFlight.put(
        microBatch,
        new InFlight(batch.slice(sequences.from(), sequences.count()), sequences, totals, trains));
  }

  /** Computes one task of the schedule. */
  void run(Task task) throws InterruptedException {
    run(task, task.microBatch());
  }

  /** Computes one task for the micro-batch that was begun under another number. */
  void run(Task task, int microBatch) throws InterruptedException {
    switch (task.direction()) {
      case FORWARD -> forward(task.stage(), microBatch);
      case BACKWARD -> backward(task.stage(), microBatch);
    }
  }

  /**
   * Sum of the cross entropies of a micro-batch's tokens here, in nats; ends a forward-only pass.
   */
  double finish(int microBatch) {
    InFlight flight = inFlight.remove(microBatch);
    flight.close();
    return flight.crossEntropySum;
  }

  private void forward(int stage, int microBatch) throws InterruptedException {
    InFlight flight = inFlight.get(microBatch);
    int tokens = flight.shape.tokens();
    Tensor x = compute.allocate(DType.F32, Shape.of(tokens, model.hidden()));
    if (stage == 0) {
      head.embed(flight.ids, x);
      compute.synchronize();
      paced.embedding(tokens, Direction.FORWARD);
    } else {
      combine(flight, stage - 1, microBatch, x);
    }
    if (stage < model.layers()) {
      route(flight, stage, microBatch, x);
    } else {
      flight.headState = head.forward(x, flight.targets);
      probe.logits(flight.sequences, flight.headState.logits());
      flight.crossEntropySum = sum(flight.headState.losses());
      paced.head(tokens, Direction.FORWARD);
    }
  }

  private void combine(InFlight flight, int layer, int microBatch, Tensor x)
      throws InterruptedException {
    LayerState state = flight.states[layer];
    state.outputs = experts.combine(layer, microBatch);
    compute.combine(
        state.activations.residual(),
        state.outputs.rows(),
        state.source,
        state.row,
        state.activations.weights(),
        x);
    if (!flight.trains) {
      compute.synchronize();
      state.close();
      flight.states[layer] = null;
    }
  }

  private void route(InFlight flight, int layer, int microBatch, Tensor x)
      throws InterruptedException {
    AttentionLayer.Activations activations = layers.get(layer).forward(x, flight.shape);
    int[] chosen = new int[flight.shape.tokens() * model.topK()];
    compute.read(activations.experts(), MemorySegment.ofArray(chosen));
    Routing routing = experts.route(layer, chosen);
    flight.states[layer] = new LayerState(activations, routing);
    paced.attention(flight.shape.sequences(), Direction.FORWARD);
    experts.dispatch(layer, microBatch, activations.normed(), routing);
    probe.routerLogits(layer, flight.sequences, activations.logits());
    if (flight.trains) {
      flight.routed.addLayer(
          routing.expertCounts(),
          columnSums(activations.probabilities()),
          floats(activations.logSumExp()));
      if (layer == model.layers() - 1) {
        statistics.share(microBatch, flight.routed);
      }
    }
  }

  private void backward(int stage, int microBatch) throws InterruptedException {
    InFlight flight = inFlight.get(microBatch);
    if (stage == model.layers()) {
      headBackward(flight, microBatch);
    } else {
      layerBackward(flight, stage, microBatch);
    }
    if (stage == 0) {
      head.embedBackward(flight.ids, flight.gradient);
      compute.synchronize();
      paced.embedding(flight.shape.tokens(), Direction.BACKWARD);
    } else {
      dispatchGradient(flight, stage - 1, microBatch);
    }
  }

  private void headBackward(InFlight flight, int microBatch) throws InterruptedException {
    flight.gradient = flight.workspace.f32(flight.shape.tokens(), model.hidden());
    float scale = (float) (1.0 / flight.totals.predictedTokens());
    head.backward(flight.headState, flight.targets, scale, flight.gradient);
    compute.synchronize();
    flight.headState.close();
    flight.headState = null;
    paced.head(flight.shape.tokens(), Direction.BACKWARD);
    RouterStatistics group = statistics.group(microBatch);
    flight.balance =
        flight.workspace.floats(
            group.balanceGradient(model, flight.totals.tokens()), model.experts());
  }

  /** Sends the gradient on to the experts first, then does the gate branch while they work. */
  private void dispatchGradient(InFlight flight, int layer, int microBatch)
      throws InterruptedException {
    LayerState state = flight.states[layer];
    AttentionLayer.Activations activations = state.activations;
    experts.dispatchGradient(
        layer, microBatch, flight.gradient, activations.weights(), state.routing);

    Workspace w = activations.workspace();
    Tensor dWeights = w.f32(flight.shape.tokens(), model.topK());
    compute.combineBackwardWeights(
        flight.gradient, state.outputs.rows(), state.source, state.row, dWeights);
    state.gateBranch = w.f32(flight.shape.tokens(), model.hidden());
    double zScale = model.zCoefficient() / ((double) flight.totals.tokens() * model.layers());
    layers
        .get(layer)
        .gateBackward(activations, dWeights, flight.balance, (float) zScale, state.gateBranch);
    compute.synchronize();
    state.releaseOutputs();
  }

  private void layerBackward(InFlight flight, int layer, int microBatch)
      throws InterruptedException {
    LayerState state = flight.states[layer];
    try (Returned gradients = experts.combineGradient(layer, microBatch)) {
      Tensor dNormed = state.gateBranch;
      compute.combine(dNormed, gradients.rows(), state.source, state.row, null, dNormed);
      compute.synchronize();
    }
    layers.get(layer).backward(state.activations, state.gateBranch, flight.gradient);
    compute.synchronize();
    paced.attention(flight.shape.sequences(), Direction.BACKWARD);
    state.close();
    flight.states[layer] = null;
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
    inFlight.values().forEach(InFlight::close);
    inFlight.clear();
    rotary.close();
  }
}
