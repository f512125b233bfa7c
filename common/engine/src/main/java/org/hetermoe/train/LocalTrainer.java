package org.hetermoe.train;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.ExpertExchange;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.nn.Routing;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.optim.AdamW;
import org.hetermoe.optim.GradientClipping;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.Split;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;
import org.hetermoe.train.AttentionReplica.BatchTotals;
import org.hetermoe.train.ExpertSide.Delivery;
import org.hetermoe.train.ExpertSide.GradientDelivery;

/**
 * The single-process truth: trains with the arithmetic of a group, but without workers, channel or
 * schedule. It goes through one micro-batch after the other, stage by stage, all attention replicas
 * in turn. Whatever a group does must give the same bits as this.
 */
public final class LocalTrainer implements AutoCloseable {
  private final Compute compute;
  private final ModelConfig model;
  private final GroupPlan plan;
  private final StepProbe probe;
  private final ExpertBank bank;
  private final ExpertSide side;
  private final AdamW optimizer;
  private final List<ParameterSet> parameters = new ArrayList<>();
  private final List<AttentionReplica> replicas = new ArrayList<>();
  private final Map<Integer, RouterStatistics> statistics = new HashMap<>();
  private boolean trains;

  /**
   * A trainer of the same numbers as a group of {@code plan}; the number of expert workers and the
   * placement do not matter, that of attention workers decides how gradients are summed.
   */
  public LocalTrainer(GroupPlan plan, Compute compute, WeightSource source, StepProbe probe) {
    this.compute = compute;
    this.model = plan.model();
    this.plan = plan;
    this.probe = probe;
    List<Integer> all = IntStream.range(0, model.experts()).boxed().toList();
    bank = new ExpertBank(compute, model, Collections.nCopies(model.layers(), all));
    bank.load(source);
    side = new ExpertSide(compute, model.hidden(), bank);
    optimizer = new AdamW(plan.optimizer(), plan.steps());
    LocalExchange[] exchanges = new LocalExchange[plan.attentionWorkers()];
    for (int rank = 0; rank < plan.attentionWorkers(); rank++) {
      exchanges[rank] = new LocalExchange(exchanges);
      ParameterSet replicaParameters = new ParameterSet(compute, ParameterNames.attention(model));
      replicaParameters.load(source);
      parameters.add(replicaParameters);
      replicas.add(
          new AttentionReplica(
              compute,
              model,
              plan.sequenceLength(),
              replicaParameters,
              exchanges[rank],
              new LocalStatistics(),
              probe,
              PacedWork.real()));
    }
  }

  /** The attention side's weights. */
  public ParameterSet parameters() {
    return parameters.getFirst();
  }

  /** All experts. */
  public ExpertBank bank() {
    return bank;
  }

  /** One step, counted from 1. */
  public StepResult step(int step, SequenceBatch batch) throws InterruptedException {
    trains = true;
    BatchTotals totals = new BatchTotals(batch.predictedTokens(), batch.tokens());
    LossSum losses = new LossSum(model, totals);
    double[] crossEntropy = new double[replicas.size()];
    for (int microBatch = 0; microBatch < plan.microBatches(); microBatch++) {
      Split all = plan.microBatch(batch.sequences(), microBatch);
      for (int rank = 0; rank < replicas.size(); rank++) {
        replicas.get(rank).begin(microBatch, batch, plan.share(all, rank), totals, true);
      }
      for (int stage = 0; stage <= model.layers(); stage++) {
        runAll(Task.attention(stage, microBatch, Direction.FORWARD));
      }
      losses.addRouting(statistics.get(microBatch));
      for (int stage = model.layers(); stage >= 0; stage--) {
        runAll(Task.attention(stage, microBatch, Direction.BACKWARD));
      }
      for (int rank = 0; rank < replicas.size(); rank++) {
        crossEntropy[rank] += replicas.get(rank).finish(microBatch);
      }
    }
    statistics.clear();
    for (double sum : crossEntropy) {
      losses.addCrossEntropy(sum);
    }
    reduce();
    probe.attentionGradients(parameters());
    probe.expertGradients(bank);
    double norm = gradientNorm();
    double clip = GradientClipping.coefficient(norm, plan.optimizer().clipNorm());
    parameters.forEach(replica -> optimizer.update(compute, replica, step, clip));
    bank.forEachParameterSet(expert -> optimizer.update(compute, expert, step, clip));
    return losses.result(norm, List.of(), rows());
  }

  private List<List<Long>> rows() {
    return IntStream.range(0, model.layers())
        .mapToObj(layer -> Arrays.stream(side.takeTrainedRows(layer)).boxed().toList())
        .toList();
  }

  /** Mean cross entropy per token of held-out sequences, nats. */
  public double evaluate(SequenceBatch heldOut) throws InterruptedException {
    trains = false;
    BatchTotals totals = new BatchTotals(heldOut.predictedTokens(), heldOut.tokens());
    double[] sums = new double[replicas.size()];
    for (Evaluation round : Evaluation.rounds(plan, heldOut.sequences())) {
      double[] roundSums = new double[replicas.size()];
      for (Split all : round.microBatches()) {
        for (int rank = 0; rank < replicas.size(); rank++) {
          replicas.get(rank).begin(0, heldOut, plan.share(all, rank), totals, false);
        }
        for (int stage = 0; stage <= model.layers(); stage++) {
          runAll(Task.attention(stage, 0, Direction.FORWARD));
        }
        for (int rank = 0; rank < replicas.size(); rank++) {
          roundSums[rank] += replicas.get(rank).finish(0);
        }
      }
      for (int rank = 0; rank < sums.length; rank++) {
        sums[rank] += roundSums[rank];
      }
    }
    double total = sums[0];
    for (int rank = 1; rank < sums.length; rank++) {
      total += sums[rank];
    }
    return total / totals.predictedTokens();
  }

  private void runAll(Task task) throws InterruptedException {
    for (AttentionReplica replica : replicas) {
      replica.run(task);
    }
  }

  private void reduce() {
    if (parameters.size() == 1) {
      return;
    }
    try (Tensor sum = compute.zeros(parameters().gradients().shape())) {
      parameters.forEach(replica -> compute.add(replica.gradients(), sum));
      parameters.forEach(replica -> compute.copy(sum, replica.gradients()));
      compute.synchronize();
    }
  }

  private double gradientNorm() {
    double[] sum = {parameters().gradientSquares()};
    bank.forEachParameterSet(expert -> sum[0] += expert.gradientSquares());
    return Math.sqrt(sum[0]);
  }

  @Override
  public void close() {
    replicas.forEach(AttentionReplica::close);
    parameters.forEach(ParameterSet::close);
    bank.close();
  }

  /** Adds up as replicas share; complete once all have run the stage. */
  private final class LocalStatistics implements StatisticsExchange {
    @Override
    public void share(int microBatch, RouterStatistics own) {
      statistics.computeIfAbsent(microBatch, key -> new RouterStatistics(model.experts())).add(own);
    }

    @Override
    public RouterStatistics group(int microBatch) {
      return statistics.get(microBatch);
    }
  }

  /**
   * One replica's way to the experts. Replicas run each stage in turn, so the first combine finds
   * that all have dispatched, and computes for all.
   */
  private final class LocalExchange implements ExpertExchange {
    private final LocalExchange[] all;
    private Delivery delivery;
    private GradientDelivery gradient;
    private Tensor output;
    private Workspace sent;

    LocalExchange(LocalExchange[] all) {
      this.all = all;
    }

    @Override
    public Routing route(int layer, int[] chosen) {
      return Routing.of(chosen, model.topK(), Collections.nCopies(model.experts(), 0), 1);
    }

    @Override
    public void dispatch(int layer, int microBatch, Tensor tokens, Routing routing) {
      Routing.Share share = routing.shares().getFirst();
      sent = new Workspace(compute);
      Tensor rows = sent.f32(share.tokens().length, model.hidden());
      compute.gatherRows(tokens, sent.ints(share.tokens(), share.tokens().length), null, rows);
      Tensor assignments = compute.allocate(DType.I32, Shape.of(share.assignments()));
      compute.write(MemorySegment.ofArray(share.rows()), assignments);
      delivery = new Delivery(share.counts(), assignments, rows);
    }

    @Override
    public Returned combine(int layer, int microBatch) {
      if (output == null) {
        List<Delivery> deliveries = new ArrayList<>();
        for (LocalExchange exchange : all) {
          deliveries.add(exchange.delivery);
          exchange.output = exchange.rows(exchange.delivery);
        }
        List<Tensor> outputs = new ArrayList<>();
        for (LocalExchange exchange : all) {
          outputs.add(exchange.output);
        }
        side.forward(layer, microBatch, deliveries, outputs, trains);
        for (LocalExchange exchange : all) {
          exchange.sent.close();
        }
      }
      return take();
    }

    @Override
    public void dispatchGradient(
        int layer, int microBatch, Tensor d, Tensor weights, Routing routing) {
      Routing.Share share = routing.shares().getFirst();
      int tokens = share.tokens().length;
      sent = new Workspace(compute);
      Tensor rows = sent.f32(tokens, model.hidden());
      compute.gatherRows(d, sent.ints(share.tokens(), tokens), null, rows);
      Tensor scale = sent.f32(share.assignments(), 1);
      compute.gatherRows(
          weights.view(0, Shape.of(routing.tokens() * routing.topK(), 1)),
          sent.ints(share.slots(), share.assignments()),
          null,
          scale);
      gradient = new GradientDelivery(rows, scale.view(0, Shape.of(share.assignments())));
    }

    @Override
    public Returned combineGradient(int layer, int microBatch) {
      if (output == null) {
        List<GradientDelivery> gradients = new ArrayList<>();
        List<Tensor> outputs = new ArrayList<>();
        for (LocalExchange exchange : all) {
          gradients.add(exchange.gradient);
          int assignments = exchange.gradient.weights().shape().rows();
          exchange.output = compute.allocate(DType.F32, Shape.of(assignments, model.hidden()));
          outputs.add(exchange.output);
        }
        side.backward(layer, microBatch, gradients, outputs);
        for (LocalExchange exchange : all) {
          exchange.sent.close();
        }
      }
      return take();
    }

    private Tensor rows(Delivery from) {
      return compute.allocate(DType.F32, Shape.of(from.rows().shape().rows(), model.hidden()));
    }

    private Returned take() {
      Tensor taken = output;
      output = null;
      return new Returned(List.of(taken), taken::close);
    }
  }
}
