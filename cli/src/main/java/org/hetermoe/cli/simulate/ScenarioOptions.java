package org.hetermoe.cli.simulate;

import java.io.IOException;
import java.nio.file.Path;
import org.hetermoe.cli.UsageException;
import org.hetermoe.device.Catalogue;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.plan.ExpertLoads;
import org.hetermoe.plan.Training;
import org.hetermoe.run.Recompute;
import org.hetermoe.tensor.DType;
import picocli.CommandLine.Option;

/**
 * What is trained, and on which kinds of device: options of the commands that plan and simulate.
 */
public final class ScenarioOptions {
  @Option(
      names = "--seq",
      defaultValue = "4096",
      description = "Tokens of a sequence (default: ${DEFAULT-VALUE}).")
  private int length;

  @Option(
      names = "--precision",
      defaultValue = "fp16",
      description = "fp16, bf16 or fp32 (default: ${DEFAULT-VALUE}).")
  private String precision;

  @Option(
      names = "--recompute",
      paramLabel = "WHAT",
      defaultValue = "full",
      description =
          "Activations that are computed again instead of kept, as training.recompute in run files:"
              + " none, attention or full (default: ${DEFAULT-VALUE}).")
  private String recompute;

  @Option(
      names = "--imbalance",
      paramLabel = "LOADS",
      description =
          "Ratio of largest to mean load (1.5), Zipf exponent (zipf:1.2), or a file of counts by"
              + " layer (default: balanced).")
  private String imbalance;

  @Option(
      names = "--devices",
      paramLabel = "FILE",
      description = "Further kinds of device, in the catalogue's format.")
  private Path devices;

  /** For picocli, which sets the fields. */
  public ScenarioOptions() {}

  /** Tokens of a sequence. */
  public int length() {
    return length;
  }

  /** What is computed in. */
  public DType precision() {
    return DType.floatingOf(precision)
        .orElseThrow(
            () ->
                new InvalidFieldException(
                    "precision", "must be fp16, bf16 or fp32, is '" + precision + "'"));
  }

  /** Which activations are computed again. */
  Recompute recompute() {
    try {
      return Recompute.of(recompute);
    } catch (InvalidFieldException unknown) {
      throw new UsageException(
          "--recompute must be none, attention or full, is '" + recompute + "'");
    }
  }

  /** How it is trained: as the paper does, in that precision, with that computed again. */
  public Training training() {
    return Training.paper(precision(), recompute());
  }

  /** Loads as they were asked for; null for balanced ones. */
  String imbalance() {
    return imbalance;
  }

  /** Loads of a model's experts. */
  public ExpertLoads loads(ModelShape model) throws IOException {
    return ImbalanceOption.read(imbalance, model);
  }

  /** All kinds of device that are known. */
  public Catalogue catalogue() {
    Catalogue builtIn = Catalogue.builtIn();
    return devices == null ? builtIn : builtIn.withFile(devices);
  }
}
