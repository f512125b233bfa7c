package org.hetermoe.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.nn.Routing;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.optim.AdamW;
import org.hetermoe.optim.GradientClipping;
import org.hetermoe.optim.LossScaler;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.Split;
import org.hetermoe.schedule.Task;
import org.hetermoe.schedule.Task.Direction;
import org.hetermoe.tensor.Shape;
import org.hetermoe.train.attention.AttentionTasks;
import org.hetermoe.train.attention.StatisticsExchange;
import org.hetermoe.train.attention.TokenDispatcher;
import org.hetermoe.train.attention.TokenPacking;
import org.hetermoe.train.expert.Delivery;
import org.hetermoe.train.expert.ExpertTasks;
import org.hetermoe.train.expert.GradientDelivery;
import org.hetermoe.train.step.BatchTotals;
import org.hetermoe.train.step.EvaluationRound;
import org.hetermoe.train.step.LossSum;
import org.hetermoe.train.step.Mode;
import org.hetermoe.train.step.RouterStatistics;
import org.hetermoe.train.step.StepResult;
import org.hetermoe.train.step.TaskClock;
import org.hetermoe.train.step.TaskListener;

/**
 * The single-process truth: trains with the arithmetic of a group, but without workers, channel or
 * schedule. It goes through one micro-batch after the other, stage by stage, all attention replicas
 * in turn. Whatever a group does must give the same bits as this.
 */
public final class LocalTrainer implements AutoCloseable {
  private final Compute compute;
  private final ModelConfig model;
  private final GroupPlan plan;
  private final TaskListener listener;
  private final ExpertBank bank;
  private final ExpertTasks tasks;
  private final AdamW optimizer;
  private final LossScaler scaler;
  private final List<ParameterSet> parameters = new ArrayList<>();
  private final List<AttentionTasks> replicas = new ArrayList<>();
  private final Map<Integer, RouterStatistics> statistics = new HashMap<>();

  /**
   * A trainer of the same numbers as a group of {@code plan}; the number of expert workers and the
   * placement do not matter, that of attention workers decides how gradients are summed.
   */
  public LocalTrainer(GroupPlan plan, Compute compute, WeightSource source, TaskListener listener) {
    this.compute = compute;
    this.model = plan.model();
    this.plan = plan;
    this.listener = listener;
    List<Integer> all = IntStream.range(0, model.experts()).boxed().toList();
    bank =
        new ExpertBank(
            compute, model, plan.precision().experts(), Collections.nCopies(model.layers(), all));
    bank.load(source);
    tasks = new ExpertTasks(compute, model.hidden(), bank, plan.recompute().experts());
    optimizer = new AdamW(plan.optimizer(), plan.steps());
    scaler = new LossScaler(plan);
    LocalDispatcher[] dispatchers = new LocalDispatcher[plan.attentionWorkers()];
    for (int rank = 0; rank < plan.attentionWorkers(); rank++) {
      dispatchers[rank] = new LocalDispatcher(dispatchers);
      ParameterSet replicaParameters =
          new ParameterSet(compute, plan.precision().attention(), ParameterNames.attention(model));
      replicaParameters.load(source);
      parameters.add(replicaParameters);
      replicas.add(
          new AttentionTasks(
              compute,
              model,
              plan.sequenceLength(),
              plan.recompute(),
              replicaParameters,
              dispatchers[rank],
              new LocalStatistics(),
              new TaskClock(listener, TaskClock.Traffic.NONE)));
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
    BatchTotals totals = BatchTotals.of(batch, scaler.scale());
    LossSum losses = new LossSum(model, totals);
    double[] crossEntropy = new double[replicas.size()];
    for (int microBatch = 0; microBatch < plan.microBatches(); microBatch++) {
      Split all = plan.microBatch(batch.sequences(), microBatch);
      for (int rank = 0; rank < replicas.size(); rank++) {
        replicas.get(rank).begin(microBatch, batch, plan.share(all, rank), totals, Mode.TRAIN);
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
    listener.attentionGradients(parameters());
    listener.expertGradients(bank);
    double scale = scaler.scale();
    double norm = gradientNorm() / scale;
    boolean skipped = scaler.overflows(norm);
    if (skipped) {
      parameters.forEach(ParameterSet::clearGradients);
      bank.forEachParameterSet(ParameterSet::clearGradients);
    } else {
      int updates = scaler.updates(step);
      double clip = GradientClipping.coefficient(norm, plan.optimizer().clipNorm()) / scale;
      parameters.forEach(replica -> optimizer.update(compute, replica, step, updates, clip));
      bank.forEachParameterSet(expert -> optimizer.update(compute, expert, step, updates, clip));
    }
    StepResult result = losses.result(norm, scaler.report(skipped), List.of(), rows());
    scaler.conclude(skipped);
    return result;
  }

  private List<List<Long>> rows() {
    return IntStream.range(0, model.layers())
        .mapToObj(layer -> Arrays.stream(tasks.takeTrainedRows(layer)).boxed().toList())
        .toList();
  }

  /** Mean cross entropy per token of held-out sequences, nats. */
  public double evaluate(SequenceBatch heldOut) throws InterruptedException {
    BatchTotals totals = BatchTotals.of(heldOut);
    double[] sums = new double[replicas.size()];
    for (EvaluationRound round : EvaluationRound.rounds(plan, heldOut.sequences())) {
      double[] roundSums = new double[replicas.size()];
      for (Split all : round.microBatches()) {
        for (int rank = 0; rank < replicas.size(); rank++) {
          replicas.get(rank).begin(0, heldOut, plan.share(all, rank), totals, Mode.EVAL);
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
    for (AttentionTasks replica : replicas) {
      replica.run(task);
    }
  }

  private void reduce() {
    if (parameters.size() == 1) {
      return;
    }
    try (Tensor sum =
        compute.zeros(parameters().gradients().dtype(), parameters().gradients().shape())) {
      parameters.forEach(replica -> compute.add(replica.gradients(), sum));
      parameters.forEach(replica -> compute.copy(sum, replica.gradients()));
    }
  }

  private double gradientNorm() {
    double[] sum = {parameters().gradientSquares()};
    bank.forEachParameterSet(expert -> sum[0] += expert.gradientSquares());
    return Math.sqrt(sum[0]);
  }

  @Override
  public void close() {
    replicas.forEach(AttentionTasks::close);
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
  private final class LocalDispatcher implements TokenDispatcher {
    private final LocalDispatcher[] all;
    private final TokenPacking packing = new TokenPacking(compute, model.hidden());
    private Delivery delivery;
    private GradientDelivery gradient;
    private Tensor sent;
    private Tensor output;

    LocalDispatcher(LocalDispatcher[] all) {
      this.all = all;
    }

    @Override
    public Routing route(int layer, int[] chosen) {
      return Routing.of(chosen, model.topK(), Collections.nCopies(model.experts(), 0), 1);
    }

    @Override
    public void dispatch(Mode mode, int layer, int microBatch, Tensor tokens, Routing routing) {
      Routing.Share share = routing.shares().getFirst();
      sent = compute.allocate(plan.precision().dispatch(), packing.tokenRows(share));
      packing.packTokens(tokens, share, sent);
      delivery = new Delivery(share.counts(), share.rows(), sent);
    }

    @Override
    public Returned combine(Mode mode, int layer, int microBatch) {
      if (output == null) {
        List<Delivery> deliveries = new ArrayList<>();
        for (LocalDispatcher each : all) {
          deliveries.add(each.delivery);
          each.allocateOutput(each.delivery.assignments());
        }
        tasks.forward(layer, microBatch, deliveries, outputs(), mode);
        closeSent();
      }
      return take();
    }

    @Override
    public void dispatchGradient(
        int layer, int microBatch, Tensor d, Tensor weights, Routing routing) {
      Routing.Share share = routing.shares().getFirst();
      sent = compute.allocate(plan.precision().dispatch(), packing.gradients(share));
      packing.packGradients(d, weights, routing, share, sent);
      gradient = GradientDelivery.of(sent, share.assignments(), model.hidden());
    }

    @Override
    public Returned combineGradient(int layer, int microBatch) {
      if (output == null) {
        List<GradientDelivery> gradients = new ArrayList<>();
        for (LocalDispatcher each : all) {
          gradients.add(each.gradient);
          each.allocateOutput(each.gradient.weights().shape().rows());
        }
        tasks.backward(layer, microBatch, gradients, outputs());
        closeSent();
      }
      return take();
    }

    private void allocateOutput(int assignments) {
      output = compute.allocate(plan.precision().combine(), Shape.of(assignments, model.hidden()));
    }

    private List<Tensor> outputs() {
      return Arrays.stream(all).map(each -> each.output).toList();
    }

    private void closeSent() {
      for (LocalDispatcher each : all) {
        each.sent.close();
      }
    }

    private Returned take() {
      Tensor taken = output;
      output = null;
      return new Returned(List.of(taken), taken::close);
    }
  }
}
