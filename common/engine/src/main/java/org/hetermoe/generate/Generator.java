package org.hetermoe.generate;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Tensor;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.data.Tokenizer;
import org.hetermoe.group.Placement;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelConfig;
import org.hetermoe.nn.WeightSource;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.run.OptimizerSpec;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.schedule.Split;
import org.hetermoe.train.LocalTrainer;
import org.hetermoe.train.step.TaskListener;

/**
 * Continues text, token by token, with the model in this process. It sees at most as many tokens as
 * the sequences that the model was trained on; older ones fall out of sight.
 */
public final class Generator implements AutoCloseable {
  /** An optimizer for a model that is not trained. */
  private static final OptimizerSpec UNUSED = new OptimizerSpec(1, 1, 0, 0, 0, 1, 0, false, 0);

  private final Compute compute;
  private final Tokenizer tokenizer;
  private final int window;
  private final int vocabulary;
  private final LocalTrainer model;
  private final LastLogits lastLogits = new LastLogits();

  /**
   * A generator over weights.
   *
   * @param window tokens per sequence in training
   * @param compute its device; stays the caller's
   * @param tokenizer of the training text; stays the caller's
   */
  public Generator(
      ModelConfig config, int window, Compute compute, WeightSource source, Tokenizer tokenizer) {
    this.compute = compute;
    this.tokenizer = tokenizer;
    this.window = window;
    this.vocabulary = tokenizer.vocabularySize();
    Placement placement = Placement.balanced(config.layers(), config.experts(), 1);
    GroupPlan plan =
        new GroupPlan(config, UNUSED, 1, window, 1, 1, 1, ScheduleKind.ZEBRA, placement);
    model = new LocalTrainer(plan, compute, source, lastLogits);
  }

  /**
   * How to choose tokens.
   *
   * @param tokens how many to generate
   * @param temperature divides the logits; 0 takes the likeliest token
   * @param seed of the choices
   */
  public record Sampling(int tokens, double temperature, long seed) {
    public Sampling {
      if (tokens < 1) {
        throw new InvalidFieldException("--tokens", "must be at least 1, is " + tokens);
      }
      if (!(temperature >= 0) || Double.isInfinite(temperature)) {
        throw new InvalidFieldException(
            "--temperature", "must be 0 (likeliest token) or more, is " + temperature);
      }
    }
  }

  /**
   * Continues a prompt.
   *
   * @param progress takes the text so far, prompt left out, after each token
   * @return the continuation, prompt left out
   */
  public String generate(String prompt, Sampling sampling, Consumer<String> progress)
      throws InterruptedException {
    int[] start = tokenizer.encode(prompt);
    if (start.length == 0) {
      throw new InvalidFieldException("--prompt", "must not be empty");
    }
    SplittableRandom random = new SplittableRandom(sampling.seed());
    int[] ids = Arrays.copyOf(start, start.length + sampling.tokens());
    for (int end = start.length; end < ids.length; end++) {
      int[] seen = Arrays.copyOfRange(ids, Math.max(0, end - window), end);
      float[] logits = logits(seen);
      ids[end] =
          sampling.temperature() == 0
              ? likeliest(logits)
              : sample(logits, sampling.temperature(), random);
      progress.accept(tokenizer.decode(Arrays.copyOfRange(ids, start.length, end + 1)));
    }
    return tokenizer.decode(Arrays.copyOfRange(ids, start.length, ids.length));
  }

  private float[] logits(int[] seen) throws InterruptedException {
    int[] targets = new int[seen.length];
    model.evaluate(new SequenceBatch(1, seen.length, seen, targets));
    return lastLogits.row;
  }

  private int likeliest(float[] logits) {
    int best = 0;
    for (int token = 1; token < vocabulary; token++) {
      if (logits[token] > logits[best]) {
        best = token;
      }
    }
    return best;
  }

  private int sample(float[] logits, double temperature, SplittableRandom random) {
    double largest = logits[likeliest(logits)];
    double[] weights = new double[vocabulary];
    double sum = 0;
    for (int token = 0; token < vocabulary; token++) {
      weights[token] = Math.exp((logits[token] - largest) / temperature);
      sum += weights[token];
    }
    double left = random.nextDouble() * sum;
    int token = 0;
    while (token < vocabulary - 1 && left >= weights[token]) {
      left -= weights[token++];
    }
    return token;
  }

  @Override
  public void close() {
    model.close();
  }

  /** Keeps the logits of the last token. */
  private final class LastLogits implements TaskListener {
    private float[] row = new float[0];

    @Override
    public void logits(Split sequences, Tensor logits) {
      row = new float[logits.shape().columns()];
      compute.read(logits.rows(logits.shape().rows() - 1, 1), MemorySegment.ofArray(row));
    }
  }
}
