package org.hetermoe.cli.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.PrintWriter;
import java.util.List;
import java.util.UUID;
import org.hetermoe.api.RunView;
import org.hetermoe.run.Json;
import org.hetermoe.run.LossScale;
import org.hetermoe.run.StepMetrics;
import org.hetermoe.run.WorkerRange;

/** One JSON object a line for programs. Numbers keep all their digits. */
public final class JsonReport implements RunReport {
  private final PrintWriter out;

  /** Writes there, and flushes after every line. */
  public JsonReport(PrintWriter out) {
    this.out = out;
  }

  /** The lines. */
  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "event")
  @JsonSubTypes({
    @JsonSubTypes.Type(value = Run.class, name = "run"),
    @JsonSubTypes.Type(value = State.class, name = "state"),
    @JsonSubTypes.Type(value = Step.class, name = "step"),
    @JsonSubTypes.Type(value = Evaluation.class, name = "evaluation"),
    @JsonSubTypes.Type(value = End.class, name = "end")
  })
  @JsonInclude(JsonInclude.Include.NON_NULL)
  private sealed interface Line {}

  private record Run(
      UUID run, String name, int steps, String channel, int attention, WorkerRange experts)
      implements Line {}

  private record State(UUID run, String state, String reason) implements Line {}

  private record Step(
      UUID run,
      int step,
      double loss,
      double crossEntropy,
      double balanceLoss,
      double zLoss,
      double gradientNorm,
      double learningRate,
      long tokens,
      double seconds,
      double tokensPerSecond,
      double attentionBusy,
      double expertBusy,
      LossScale lossScale)
      implements Line {}

  private record Evaluation(UUID run, int step, double evaluationLoss) implements Line {}

  private record End(
      UUID run,
      String state,
      String reason,
      int steps,
      List<Double> losses,
      Double evaluationLoss,
      Integer checkpointStep)
      implements Line {}

  @Override
  public void begin(RunView run) {
    write(
        new Run(
            run.id(),
            run.name(),
            run.steps(),
            run.spec().channel().label(),
            run.spec().workers().attention(),
            run.spec().workers().experts()));
  }

  @Override
  public void state(RunView run) {
    write(new State(run.id(), run.state(), run.reason()));
  }

  @Override
  public void step(RunView run, StepMetrics step) {
    write(
        new Step(
            run.id(),
            step.step(),
            step.loss(),
            step.crossEntropy(),
            step.balanceLoss(),
            step.zLoss(),
            step.gradientNorm(),
            step.learningRate(),
            step.tokens(),
            step.seconds(),
            step.tokensPerSecond(),
            step.attentionBusy(),
            step.expertBusy(),
            step.lossScale()));
    if (step.evaluationLoss() != null) {
      write(new Evaluation(run.id(), step.step(), step.evaluationLoss()));
    }
  }

  @Override
  public void end(RunView run, List<Double> losses) {
    write(
        new End(
            run.id(),
            run.state(),
            run.reason(),
            run.stepsDone(),
            losses,
            run.evaluationLoss(),
            run.checkpointStep()));
  }

  private void write(Line line) {
    try {
      out.println(Json.MAPPER.writeValueAsString(line));
      out.flush();
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a line of numbers always has a JSON form", e);
    }
  }
}
