package org.hetermoe.nn;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Groups;
import org.hetermoe.compute.Holder;
import org.hetermoe.compute.Tensor;
import org.hetermoe.compute.Workspace;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.model.ParameterNames;
import org.hetermoe.tensor.DType;

/**
 * The experts that one worker owns, layer by layer; each a SwiGLU network {@code down(silu(gate(x))
 * * up(x))} with parameters of its own. The numbers of an expert depend on its own rows and weights
 * alone, wherever it lives.
 */
public final class ExpertBank implements AutoCloseable {
  private final Compute compute;
  private final ModelConfig model;
  private final DType type;
  private final List<List<Expert>> layers = new ArrayList<>();

  private record Expert(
      int id, ParameterSet parameters, Parameter gate, Parameter down, Parameter up) {}

  /**
   * A bank of zero weights.
   *
   * @param type of weights and activations
   * @param owned per layer, the ids of the experts, ascending
   */
  public ExpertBank(Compute compute, ModelConfig model, DType type, List<List<Integer>> owned) {
    this.compute = compute;
    this.model = model;
    this.type = type;
    for (int layer = 0; layer < owned.size(); layer++) {
      List<Expert> experts = new ArrayList<>();
      for (int id : owned.get(layer)) {
        experts.add(expert(layer, id));
      }
      layers.add(experts);
    }
  }

  private Expert expert(int layer, int id) {
    ParameterSet parameters =
        new ParameterSet(compute, type, ParameterNames.expert(model, layer, id));
    return new Expert(
        id,
        parameters,
        parameters.get(ParameterNames.expertGate(layer, id)),
        parameters.get(ParameterNames.expertDown(layer, id)),
        parameters.get(ParameterNames.expertUp(layer, id)));
  }

  /** Takes in an expert that was not here, all zero; returns its parameters, to be filled. */
  public ParameterSet add(int layer, int id) {
    List<Expert> experts = layers.get(layer);
    if (experts.stream().anyMatch(present -> present.id == id)) {
      throw new IllegalArgumentException("expert " + layer + "/" + id + " is here already");
    }
    Expert added = expert(layer, id);
    experts.add(added);
    experts.sort(Comparator.comparingInt(Expert::id));
    return added.parameters;
  }

  /** Frees an expert, which is another worker's from now on. */
  public void remove(int layer, int id) {
    parameters(layer, id).close();
    layers.get(layer).removeIf(present -> present.id == id);
  }

  /** Fills all weights. */
  public void load(WeightSource source) {
    forEach((layer, expert) -> parameters(layer, expert).load(source));
  }

  /** Element type of weights and activations. */
  public DType type() {
    return type;
  }

  /** Number of layers, those without experts included. */
  public int layers() {
    return layers.size();
  }

  /** Ids of the experts of a layer, ascending. */
  public List<Integer> experts(int layer) {
    return layers.get(layer).stream().map(Expert::id).toList();
  }

  /** Calls {@code action} with (layer, expert) for every expert, in canonical order. */
  public void forEach(BiConsumer<Integer, Integer> action) {
    for (int layer = 0; layer < layers.size(); layer++) {
      for (Expert expert : layers.get(layer)) {
        action.accept(layer, expert.id);
      }
    }
  }

  /** Calls {@code action} with the parameters of every expert, in canonical order. */
  public void forEachParameterSet(Consumer<ParameterSet> action) {
    layers.forEach(layer -> layer.forEach(expert -> action.accept(expert.parameters)));
  }

  /** The parameters of an expert. */
  public ParameterSet parameters(int layer, int expert) {
    return layers.get(layer).stream()
        .filter(candidate -> candidate.id == expert)
        .findFirst()
        .orElseThrow(
            () -> new IllegalArgumentException("expert " + layer + "/" + expert + " is not here"))
        .parameters;
  }

  /** What one forward leaves; A assignments, F expert width. */
  public static final class Activations implements AutoCloseable {
    private final Groups groups;
    private final Tensor input;
    private Optional<Inner> inner;

    /** With the rows of all experts, group after group, [A,H]; takes them over. */
    private Activations(Groups groups, Tensor input, Inner inner) {
      this.groups = groups;
      this.input = input;
      this.inner = Optional.of(inner);
    }

    /** Frees all but the input; {@link ExpertBank#computeAgain} brings it back. */
    public void keepInput() {
      inner.ifPresent(Inner::close);
      inner = Optional.empty();
    }

    private Inner inner() {
      return inner.orElseThrow(() -> new IllegalStateException("only the input was kept"));
    }

    @Override
    public void close() {
      keepInput();
      input.close();
    }
  }

  /** Gate, up and their product, [A,F] each. */
  private record Inner(Workspace workspace, Tensor gate, Tensor up, Tensor product) {
    void close() {
      workspace.close();
    }
  }

  /**
   * Computes the experts of a layer; takes over {@code input}.
   *
   * @param groups a group for each expert here, in order
   * @param output out, [A,H]
   */
  public Activations forward(int layer, Groups groups, Tensor input, Tensor output) {
    Inner inner = inner(layer, groups, input);
    compute.groupedLinear(inner.product, groups, values(layer, Expert::down), output);
    return new Activations(groups, input, inner);
  }

  /** Computes what was freed of a layer's activations again, to the same bits. */
  public void computeAgain(int layer, Activations a) {
    a.inner = Optional.of(inner(layer, a.groups, a.input));
  }

  private Inner inner(int layer, Groups groups, Tensor input) {
    Workspace w = new Workspace(compute, Holder.ACTIVATIONS);
    Inner inner =
        new Inner(
            w,
            w.tensor(type, groups.rows(), model.expertWidth()),
            w.tensor(type, groups.rows(), model.expertWidth()),
            w.tensor(type, groups.rows(), model.expertWidth()));
    compute.groupedLinear(input, groups, values(layer, Expert::gate), inner.gate);
    compute.groupedLinear(input, groups, values(layer, Expert::up), inner.up);
    compute.swiGlu(inner.gate, inner.up, inner.product);
    return inner;
  }

  /**
   * Gradients of weights and input; overwrites what the forward left.
   *
   * @param dOutput [A,H]
   * @param dInput out, [A,H]
   */
  public void backward(int layer, Activations a, Tensor dOutput, Tensor dInput) {
    Inner inner = a.inner();
    Tensor gate = inner.gate;
    Tensor up = inner.up;
    try (Workspace w = new Workspace(compute)) {
      Tensor dInner = w.tensor(type, a.groups.rows(), model.expertWidth());
      compute.groupedLinearBackwardWeight(
          dOutput, inner.product, a.groups, gradients(layer, Expert::down));
      compute.groupedLinearBackwardInput(
          dOutput, a.groups, values(layer, Expert::down), dInner, false);
      compute.swiGluBackward(gate, up, dInner, gate, up);
      compute.groupedLinearBackwardWeight(gate, a.input, a.groups, gradients(layer, Expert::gate));
      compute.groupedLinearBackwardWeight(up, a.input, a.groups, gradients(layer, Expert::up));
      compute.groupedLinearBackwardInput(
          gate, a.groups, values(layer, Expert::gate), dInput, false);
      compute.groupedLinearBackwardInput(up, a.groups, values(layer, Expert::up), dInput, true);
    }
  }

  private List<Tensor> values(int layer, Function<Expert, Parameter> matrix) {
    return layers.get(layer).stream().map(matrix).map(Parameter::value).toList();
  }

  private List<Tensor> gradients(int layer, Function<Expert, Parameter> matrix) {
    return layers.get(layer).stream().map(matrix).map(Parameter::gradient).toList();
  }

  @Override
  public void close() {
    layers.forEach(layer -> layer.forEach(expert -> expert.parameters.close()));
  }
}
