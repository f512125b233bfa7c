package org.hetermoe.worker;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ToDoubleFunction;
import org.hetermoe.channel.Channel.Traffic;
import org.hetermoe.channel.Refusal;
import org.hetermoe.channel.Refusals;
import org.hetermoe.run.StepMetrics;

/** What Prometheus sees of a worker. */
@ApplicationScoped
class WorkerMeters {
  private final AtomicReference<StepMetrics> lastStep = new AtomicReference<>();
  private final Counter steps;
  private final Counter skipped;
  private final Counter tokens;
  private final Counter commandsRefused;

  WorkerMeters(MeterRegistry registry) {
    this.steps =
        Counter.builder("hetermoe.steps")
            .description("Steps reported by attention worker 0 of a run, where it is this worker")
            .register(registry);
    this.tokens =
        Counter.builder("hetermoe.tokens").description("Tokens of those steps").register(registry);
    this.skipped =
        Counter.builder("hetermoe.steps.skipped")
            .description("Those of the steps that updated nothing, since gradients overflowed")
            .register(registry);
    this.commandsRefused =
        Counter.builder("hetermoe.commands.refused")
            .description("Records of the commands topic that could not be read")
            .register(registry);
    busy(registry, "attention", StepMetrics::attentionBusy);
    busy(registry, "expert", StepMetrics::expertBusy);
    Gauge.builder(
            "hetermoe.loss.scale",
            lastStep,
            source -> {
              StepMetrics step = source.get();
              return step == null || step.lossScale() == null
                  ? Double.NaN
                  : step.lossScale().scale();
            })
        .description("Factor on the loss of the last step, where a side computes in fp16")
        .register(registry);
  }

  /** Takes note of a step. */
  void step(StepMetrics step) {
    lastStep.set(step);
    steps.increment();
    tokens.increment((double) step.tokens());
    if (step.lossScale() != null && step.lossScale().skipped()) {
      skipped.increment();
    }
  }

  /** Takes note of a record of the commands topic that could not be read. */
  void commandRefused() {
    commandsRefused.increment();
  }

  void observe(
      @Observes StartupEvent event,
      MeterRegistry registry,
      CommandLoop commands,
      Refusals refusals) {
    Gauge.builder(
            "hetermoe.step",
            commands,
            source -> source.current().map(AttemptSession::step).orElse(0))
        .description("Last step done of the run at hand")
        .register(registry);
    traffic(registry, commands, "frames", "sent", Traffic::framesSent);
    traffic(registry, commands, "frames", "received", Traffic::framesReceived);
    traffic(registry, commands, "bytes", "sent", Traffic::bytesSent);
    traffic(registry, commands, "bytes", "received", Traffic::bytesReceived);
    for (Refusal reason : Refusal.values()) {
      FunctionCounter.builder("hetermoe.frames.refused", refusals, counts -> counts.count(reason))
          .description("Frames and connections refused")
          .tag("reason", reason.label())
          .register(registry);
    }
  }

  private void busy(MeterRegistry registry, String side, ToDoubleFunction<StepMetrics> share) {
    Gauge.builder(
            "hetermoe.busy.share",
            lastStep,
            source -> {
              StepMetrics step = source.get();
              return step == null ? Double.NaN : share.applyAsDouble(step);
            })
        .description("Share of the last step that workers of a side computed")
        .tag("side", side)
        .register(registry);
  }

  private static void traffic(
      MeterRegistry registry,
      CommandLoop commands,
      String what,
      String direction,
      ToDoubleFunction<Traffic> total) {
    FunctionCounter.builder(
            "hetermoe.channel." + what, commands, source -> total.applyAsDouble(source.traffic()))
        .description("What has gone through the channels of all runs of this process")
        .tag("direction", direction)
        .register(registry);
  }
}
