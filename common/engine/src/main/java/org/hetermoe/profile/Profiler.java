package org.hetermoe.profile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.hetermoe.compute.AdamWStep;
import org.hetermoe.compute.AttentionShape;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.device.LayerWork;
import org.hetermoe.device.MeasuredProfile;
import org.hetermoe.device.MeasuredProfile.BothPasses;
import org.hetermoe.device.WorkCurve;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.ModelShape;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.nn.AttentionLayer;
import org.hetermoe.nn.ExpertBank;
import org.hetermoe.nn.LanguageHead;
import org.hetermoe.nn.ParameterSet;
import org.hetermoe.nn.RotaryTable;
import org.hetermoe.nn.SeededWeights;
import org.hetermoe.tensor.DType;
import org.hetermoe.tensor.Shape;

/**
 * Times the kernels of a device as training uses them: one layer's attention side at several
 * lengths, one expert at several numbers of rows, head, embedding and optimizer, each forward and
 * backward. Every time is the median of repetitions after one that warms up.
 */
public final class Profiler {
  private static final System.Logger LOG = System.getLogger(Profiler.class.getName());

  private static final int[] LENGTHS = {32, 128, 256, 512};
  private static final int[] EXPERT_ROWS = {1, 8, 32, 128, 512};

  /** What a device may besides be measured at, as far as it is quick enough and has the memory. */
  private static final int[] LARGER = {2048, 8192, 32_768, 65_536};

  /** A larger size is left out if it would take so many times the patience. */
  private static final int LONGEST = 4;

  /** A larger size may take one of so many parts of the memory. */
  private static final int MEMORY_PARTS = 8;

  private static final int[] HEAD_TOKENS = {16, 128, 512};
  private static final int[] OPTIMIZER_PARAMETERS = {1 << 14, 1 << 17, 1 << 20};
  private static final int FEWEST = 3;
  private static final int MOST = 15;

  private final Compute compute;
  private final ModelConfig model;
  private final ModelShape shape;
  private final DType type;
  private final long patienceNanos;
  private final LongSupplier clock;

  /**
   * A profiler of a device.
   *
   * @param model whose widths are measured at; its layers do not matter
   * @param type of weights and activations
   * @param patienceNanos after which a size is not repeated any more
   */
  public Profiler(Compute compute, ModelConfig model, DType type, long patienceNanos) {
    this(compute, model, type, patienceNanos, System::nanoTime);
  }

  /** A profiler that reads the time, in nanoseconds, from a clock of its own. */
  Profiler(Compute compute, ModelConfig model, DType type, long patienceNanos, LongSupplier clock) {
    this.type = type;
    this.clock = clock;
    this.compute = compute;
    this.model = oneLayer(model);
    this.shape = ModelShape.of("profiled", this.model);
    this.patienceNanos = patienceNanos;
  }

  /**
   * Measures.
   *
   * @param memoryBytes that the device may use
   */
  public MeasuredProfile measure(long memoryBytes) {
    // The first round is for the compiler, which works in the background meanwhile.
    MeasuredProfile cold = round(memoryBytes);
    LOG.log(System.Logger.Level.DEBUG, "warmed up: {0}", cold);
    return round(memoryBytes);
  }

  private MeasuredProfile round(long memoryBytes) {
    List<Integer> lengths = new ArrayList<>();
    BothPasses core = attention(memoryBytes, lengths);
    return new MeasuredProfile(
        compute.description(),
        memoryBytes,
        projections(core, lengths),
        core,
        expert(memoryBytes),
        head(),
        embedding(),
        optimizer());
  }

  /** Times of the two passes of one repetition. */
  private record Times(long forward, long backward) {}

  /** Work that can be repeated. */
  @FunctionalInterface
  private interface Repetition {
    Times run();
  }

  /** Of several lengths, which {@code lengths} takes. */
  private BothPasses attention(long memoryBytes, List<Integer> lengths) {
    Samples samples = new Samples();
    int width = 4 * model.heads() * model.headDim() + 4 * model.kvHeads() * model.headDim();
    for (int length : IntStream.concat(Arrays.stream(LENGTHS), Arrays.stream(LARGER)).toArray()) {
      double work = LayerWork.attention(shape, 1, length);
      if (length > LENGTHS[LENGTHS.length - 1]
          && !affordable(samples, work, (long) length * width, memoryBytes)) {
        break;
      }
      lengths.add(length);
      AttentionShape sizes =
          new AttentionShape(1, length, model.heads(), model.kvHeads(), model.headDim());
      try (Workspace w = new Workspace(compute)) {
        Tensor q = random(w, length, sizes.queryWidth());
        Tensor k = random(w, length, sizes.kvWidth());
        Tensor v = random(w, length, sizes.kvWidth());
        Tensor out = w.tensor(type, length, sizes.queryWidth());
        Tensor dOut = random(w, length, sizes.queryWidth());
        Tensor logSumExp = w.f32(length, model.heads());
        Tensor dq = w.tensor(type, length, sizes.queryWidth());
        Tensor dk = w.tensor(type, length, sizes.kvWidth());
        Tensor dv = w.tensor(type, length, sizes.kvWidth());
        samples.add(
            work,
            median(
                () -> {
                  long start = clock.getAsLong();
                  compute.attention(q, k, v, sizes, out, logSumExp);
                  compute.synchronize();
                  long middle = clock.getAsLong();
                  compute.attentionBackward(q, k, v, out, logSumExp, dOut, sizes, dq, dk, dv);
                  compute.synchronize();
                  return new Times(middle - start, clock.getAsLong() - middle);
                }));
      }
    }
    return samples.curves();
  }

  /** What a layer takes beyond its attention. */
  private BothPasses projections(BothPasses core, List<Integer> lengths) {
    Samples samples = new Samples();
    try (ParameterSet parameters =
            new ParameterSet(compute, type, ParameterNames.attention(model));
        RotaryTable rotary = new RotaryTable(compute, model, lengths.getLast())) {
      parameters.load(new SeededWeights(model, 1));
      AttentionLayer layer = new AttentionLayer(compute, model, parameters, rotary, 0);
      for (int length : lengths) {
        Times whole = median(() -> layer(layer, length));
        double work = LayerWork.attention(shape, 1, length);
        samples.add(
            LayerWork.projections(shape, length),
            new Times(
                without(whole.forward, core.forward().seconds(work)),
                without(whole.backward, core.backward().seconds(work))));
      }
    }
    return samples.curves();
  }

  /** At least a tenth of the whole: two measurements do not subtract exactly. */
  private static long without(long nanos, double seconds) {
    return Math.max(nanos / 10, nanos - Math.round(seconds * 1e9));
  }

  private Times layer(AttentionLayer layer, int length) {
    AttentionShape sizes =
        new AttentionShape(1, length, model.heads(), model.kvHeads(), model.headDim());
    try (Workspace w = new Workspace(compute)) {
      Tensor input = compute.allocate(type, Shape.of(length, model.hidden()));
      fill(input);
      Tensor d = random(w, length, model.hidden());
      Tensor dNormed = random(w, length, model.hidden());
      Tensor dWeights = random(DType.F32, w, length, model.topK());
      Tensor balance = w.zeros(DType.F32, model.experts());
      compute.synchronize();
      long start = clock.getAsLong();
      try (AttentionLayer.Activations a = layer.forward(input, sizes)) {
        compute.synchronize();
        long middle = clock.getAsLong();
        layer.gateBackward(a, dWeights, balance, 0f, dNormed);
        layer.backward(a, dNormed, d);
        compute.synchronize();
        return new Times(middle - start, clock.getAsLong() - middle);
      }
    }
  }

  private BothPasses expert(long memoryBytes) {
    Samples samples = new Samples();
    int width = 4 * model.hidden() + 4 * model.expertWidth();
    try (ExpertBank bank = new ExpertBank(compute, model, type, List.of(List.of(0)))) {
      bank.load(new SeededWeights(model, 1));
      for (int rows :
          IntStream.concat(Arrays.stream(EXPERT_ROWS), Arrays.stream(LARGER)).toArray()) {
        double work = LayerWork.expert(shape, rows);
        if (rows > EXPERT_ROWS[EXPERT_ROWS.length - 1]
            && !affordable(samples, work, (long) rows * width, memoryBytes)) {
          break;
        }
        samples.add(work, median(() -> expert(bank, rows)));
      }
    }
    return samples.curves();
  }

  private Times expert(ExpertBank bank, int rows) {
    try (Workspace w = new Workspace(compute)) {
      Tensor input = compute.allocate(type, Shape.of(rows, model.hidden()));
      fill(input);
      Tensor output = w.tensor(type, rows, model.hidden());
      Tensor d = random(w, rows, model.hidden());
      compute.synchronize();
      long start = clock.getAsLong();
      try (ExpertBank.Activations a = bank.forward(0, Groups.ofSizes(rows), input, output)) {
        compute.synchronize();
        long middle = clock.getAsLong();
        bank.backward(0, a, d, output);
        compute.synchronize();
        return new Times(middle - start, clock.getAsLong() - middle);
      }
    }
  }

  private BothPasses head() {
    Samples samples = new Samples();
    try (ParameterSet parameters =
        new ParameterSet(compute, type, ParameterNames.attention(model))) {
      parameters.load(new SeededWeights(model, 1));
      LanguageHead head = new LanguageHead(compute, model, parameters);
      for (int tokens : HEAD_TOKENS) {
        samples.add(LayerWork.head(shape, tokens), median(() -> head(head, tokens)));
      }
    }
    return samples.curves();
  }

  private Times head(LanguageHead head, int tokens) {
    try (Workspace w = new Workspace(compute)) {
      Tensor input = compute.allocate(type, Shape.of(tokens, model.hidden()));
      fill(input);
      Tensor targets = ids(w, tokens);
      Tensor d = w.tensor(type, tokens, model.hidden());
      compute.synchronize();
      long start = clock.getAsLong();
      try (LanguageHead.Activations a = head.forward(input, targets)) {
        compute.synchronize();
        long middle = clock.getAsLong();
        head.backward(a, targets, 1f, d);
        compute.synchronize();
        return new Times(middle - start, clock.getAsLong() - middle);
      }
    }
  }

  private BothPasses embedding() {
    Samples samples = new Samples();
    try (ParameterSet parameters =
        new ParameterSet(compute, type, ParameterNames.attention(model))) {
      LanguageHead head = new LanguageHead(compute, model, parameters);
      for (int tokens : HEAD_TOKENS) {
        try (Workspace w = new Workspace(compute)) {
          Tensor ids = ids(w, tokens);
          Tensor x = w.tensor(type, tokens, model.hidden());
          samples.add(
              (double) tokens * model.hidden(),
              median(
                  () -> {
                    long start = clock.getAsLong();
                    head.embed(ids, x);
                    compute.synchronize();
                    long middle = clock.getAsLong();
                    head.embedBackward(ids, x);
                    compute.synchronize();
                    return new Times(middle - start, clock.getAsLong() - middle);
                  }));
        }
      }
    }
    return samples.curves();
  }

  private WorkCurve optimizer() {
    Samples samples = new Samples();
    AdamWStep step = new AdamWStep(1e-3, 0.9, 0.95, 1e-8, 0.1, 1, 0.1, 0.05);
    for (int parameters : OPTIMIZER_PARAMETERS) {
      try (ParameterSet set =
          new ParameterSet(compute, type, Map.of("parameters", Shape.of(parameters, 1)))) {
        samples.add(
            parameters,
            median(
                () -> {
                  long start = clock.getAsLong();
                  set.forEach(
                      p -> compute.adamW(p.master(), p.value(), p.gradient(), p.m(), p.v(), step));
                  compute.synchronize();
                  long nanos = clock.getAsLong() - start;
                  return new Times(nanos, nanos);
                }));
      }
    }
    return samples.curves().forward();
  }

  /** Whether a size beyond those measured so far is worth the time that it would take. */
  private boolean affordable(Samples samples, double work, long elements, long memoryBytes) {
    return samples.nanosPerWork() * work <= (double) LONGEST * patienceNanos
        && elements * type.bytes() <= memoryBytes / MEMORY_PARTS;
  }

  private Times median(Repetition repetition) {
    repetition.run();
    List<Times> times = new ArrayList<>();
    long end = clock.getAsLong() + patienceNanos;
    while (times.size() < FEWEST || (times.size() < MOST && clock.getAsLong() < end)) {
      times.add(repetition.run());
    }
    return new Times(
        middle(times.stream().mapToLong(Times::forward).toArray()),
        middle(times.stream().mapToLong(Times::backward).toArray()));
  }

  private static long middle(long[] nanos) {
    Arrays.sort(nanos);
    return Math.max(1, nanos[nanos.length / 2]);
  }

  /** The measured sizes of a part. */
  private static final class Samples {
    private final List<WorkCurve.Point> forward = new ArrayList<>();
    private final List<WorkCurve.Point> backward = new ArrayList<>();

    void add(double work, Times times) {
      forward.add(new WorkCurve.Point(work, times.forward * 1e-9));
      backward.add(new WorkCurve.Point(work, times.backward * 1e-9));
    }

    /** Both passes at the largest size so far. */
    double nanosPerWork() {
      return 1e9
          * (forward.getLast().seconds() + backward.getLast().seconds())
          / forward.getLast().work();
    }

    BothPasses curves() {
      return new BothPasses(new WorkCurve(forward), new WorkCurve(backward));
    }
  }

  private Tensor random(Workspace w, int rows, int columns) {
    return random(type, w, rows, columns);
  }

  private Tensor random(DType dtype, Workspace w, int rows, int columns) {
    Tensor tensor = w.tensor(dtype, rows, columns);
    fill(tensor);
    return tensor;
  }

  private void fill(Tensor tensor) {
    SplittableRandom random = new SplittableRandom(1);
    float[] values = new float[Math.toIntExact(tensor.shape().elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (random.nextDouble() - 0.5);
    }
    try (Workspace w = new Workspace(compute)) {
      compute.convert(w.floats(values, values.length), tensor);
    }
  }

  private Tensor ids(Workspace w, int tokens) {
    return w.ints(
        IntStream.range(0, tokens).map(token -> token * 7 % model.vocabulary()).toArray(), tokens);
  }

  private static ModelConfig oneLayer(ModelConfig model) {
    return new ModelConfig(
        model.vocabulary(),
        model.hidden(),
        1,
        model.heads(),
        model.kvHeads(),
        model.headDim(),
        model.experts(),
        model.topK(),
        model.expertWidth(),
        model.ropeTheta(),
        model.normEpsilon(),
        model.tiedEmbeddings(),
        model.balanceCoefficient(),
        model.zCoefficient(),
        model.initializerRange());
  }
}
