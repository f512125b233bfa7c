package org.hetermoe.device;

import java.util.Map;
import java.util.TreeMap;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.tensor.DType;

/**
 * A device profile from a data sheet and efficiency curves.
 *
 * <p>A part of a layer takes the time of its matrix products at the rate that their sizes reach,
 * plus the time to move what element-wise work reads and writes, plus the time to start its
 * kernels. A backward pass has twice the matrix products; attention's core, which computes its
 * scores again, two and a half times (five products instead of two).
 */
public final class CatalogueDevice implements DeviceProfile {
  private static final double TERA = 1e12;
  private static final double GIGA = 1e9;

  private static final double PRODUCTS_BACKWARD = 2;
  private static final double CORE_BACKWARD = 2.5;

  /**
   * Numbers per token that element-wise work of the attention side reads and writes, in widths of
   * the residual stream, kernel by kernel: two norms, RoPE, residual sums, changes of layout and
   * precision, gathering and weighing the experts' rows. Set by Table 3 of the paper: how much of
   * the attention side does not grow with the length.
   */
  private static final double ATTENTION_WIDTHS = 34;

  /** The same for an expert's row: gathered, scattered, in widths of the residual stream. */
  private static final double EXPERT_WIDTHS = 4;

  /** The same for an expert's row, in inner widths: gate, up, their product. */
  private static final double EXPERT_INNER_WIDTHS = 3;

  /** Numbers per logit that the loss reads and writes. */
  private static final double LOSS_NUMBERS = 3;

  /** Bytes per parameter of what AdamW reads and writes back in single precision: both moments. */
  private static final double MOMENTS_BYTES = 8;

  /** The same of a master copy, which a type of less precision needs. */
  private static final double MASTER_BYTES = 4;

  /** Bytes per parameter that AdamW reads beside what it holds: the gradient. */
  private static final double GRADIENT_BYTES = 4;

  private final String name;
  private final DataSheet sheet;
  private final RuntimeOverheads runtime;
  private final DType precision;
  private final TreeMap<Integer, Double> core;

  /**
   * A device that computes in a precision.
   *
   * @throws InvalidFieldException if it cannot
   */
  public CatalogueDevice(String name, DataSheet sheet, DType precision, RuntimeOverheads runtime) {
    this.runtime = runtime;
    if (!precision.floating()) {
      throw new InvalidFieldException(
          "precision", "must be fp16, bf16 or fp32, is '" + precision.label() + "'");
    }
    if (precision == DType.BF16 && !sheet.bf16()) {
      throw new InvalidFieldException("precision", name + " has no bf16; use fp16");
    }
    this.name = name;
    this.sheet = sheet;
    this.precision = precision;
    core = new TreeMap<>(sheet.coreEfficiency());
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public boolean attention() {
    return sheet.attention();
  }

  @Override
  public long memoryBytes() {
    return Math.round(sheet.memoryGb() * GIGA);
  }

  @Override
  public double attentionSeconds(ModelShape model, int sequences, int length, Pass pass) {
    double tokens = (double) sequences * length;
    if (tokens <= 0) {
      return 0;
    }
    if (!sheet.attention()) {
      throw new InvalidFieldException("cluster", name + " cannot compute attention");
    }
    int hidden = model.hidden();
    double products =
        2 * tokens * (model.attentionParameters() - 2.0 * hidden) / productRate(tokens, hidden);
    double pairs =
        2 * tokens * length * model.heads() * (double) model.headDim() / coreRate(length, model);
    double moved = bytesSeconds(tokens * ATTENTION_WIDTHS * hidden * precision.bytes());
    return pass == Pass.FORWARD
        ? launch() + products + pairs + moved
        : launch() + PRODUCTS_BACKWARD * (products + moved) + CORE_BACKWARD * pairs;
  }

  @Override
  public double expertSeconds(ModelShape model, double assignments, Pass pass) {
    if (assignments <= 0) {
      return 0;
    }
    double products =
        2
            * assignments
            * model.expertParameters()
            / productRate(assignments, Math.min(model.hidden(), model.expertWidth()));
    double numbers =
        assignments * (EXPERT_WIDTHS * model.hidden() + EXPERT_INNER_WIDTHS * model.expertWidth());
    double moved = bytesSeconds(numbers * precision.bytes());
    return launch() + (pass == Pass.FORWARD ? 1 : PRODUCTS_BACKWARD) * (products + moved);
  }

  @Override
  public double headSeconds(ModelShape model, int tokens, Pass pass) {
    if (tokens <= 0) {
      return 0;
    }
    double logits = (double) tokens * model.vocabulary();
    double products = 2 * logits * model.hidden() / productRate(tokens, model.hidden());
    double moved = bytesSeconds(LOSS_NUMBERS * logits * precision.bytes());
    return launch() + (pass == Pass.FORWARD ? products : PRODUCTS_BACKWARD * products) + moved;
  }

  @Override
  public double embeddingSeconds(ModelShape model, int tokens, Pass pass) {
    return bytesSeconds(2.0 * tokens * model.hidden() * precision.bytes());
  }

  @Override
  public double optimizerSeconds(long parameters) {
    double held = MOMENTS_BYTES + (precision == DType.F32 ? 0 : MASTER_BYTES);
    double bytes = 2.0 * held + GRADIENT_BYTES + precision.bytes();
    return bytesSeconds(parameters * bytes);
  }

  @Override
  public double taskSeconds() {
    return runtime.taskSeconds(sheet);
  }

  private double launch() {
    return runtime.launchSeconds(sheet);
  }

  private double bytesSeconds(double bytes) {
    return bytes / (sheet.bandwidthGb() * GIGA * sheet.memoryEfficiency());
  }

  private double peak() {
    return TERA * (precision == DType.F32 ? sheet.singleTeraflops() : sheet.matrixTeraflops());
  }

  /** Operations per second of a matrix product. */
  private double productRate(double rows, double width) {
    return peak()
        * sheet.matrixEfficiency()
        * (rows / (rows + sheet.halfRows()))
        * (width / (width + sheet.halfWidth()));
  }

  /** Operations per second of attention's core; narrow heads leave matrix units idle. */
  private double coreRate(int length, ModelShape model) {
    return peak() * coreEfficiency(length) * Math.min(1, model.headDim() / 128.0);
  }

  private double coreEfficiency(int length) {
    Map.Entry<Integer, Double> below = core.floorEntry(length);
    Map.Entry<Integer, Double> above = core.ceilingEntry(length);
    if (below == null) {
      return above.getValue();
    }
    if (above == null || above.getKey().equals(below.getKey())) {
      return below.getValue();
    }
    double part =
        Math.log((double) length / below.getKey())
            / Math.log((double) above.getKey() / below.getKey());
    // Times, not rates, are averaged: monotone in the length whatever the curve.
    return 1 / ((1 - part) / below.getValue() + part / above.getValue());
  }
}
