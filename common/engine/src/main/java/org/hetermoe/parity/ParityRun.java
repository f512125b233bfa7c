package org.hetermoe.parity;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.hetermoe.channel.FrameBuffers;
import org.hetermoe.channel.Refusals;
import org.hetermoe.channel.memory.MemoryChannels;
import org.hetermoe.compute.Compute;
import org.hetermoe.compute.Devices;
import org.hetermoe.data.SequenceBatch;
import org.hetermoe.group.Placement;
import org.hetermoe.group.RunKey;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.run.GroupPlan;
import org.hetermoe.schedule.ScheduleKind;
import org.hetermoe.train.InProcessGroup;
import org.hetermoe.train.LocalTrainer;
import org.hetermoe.train.step.StepResult;

/** Computes a parity case and compares. */
public final class ParityRun {
  static final String LOSSES = "train_losses";

  private final ParityCase parityCase;
  private final String compute;

  /**
   * A run on a device.
   *
   * @param compute name of the device
   */
  public ParityRun(ParityCase parityCase, String compute) {
    this.parityCase = parityCase;
    this.compute = compute;
  }

  /**
   * Takes all steps with the given workers, and compares the first one's insides and all losses.
   */
  public ParityReport with(ParityWorkers workers) throws InterruptedException {
    SequenceBatch batch = parityCase.batch();
    try (Compute reader = Devices.open(compute, 1)) {
      TensorRecorder recorder = new TensorRecorder(reader, batch.sequences(), batch.length());
      List<StepResult> results =
          switch (workers) {
            case ParityWorkers.Local() -> local(recorder);
            case ParityWorkers.Group(int attention, int experts) ->
                group(attention, experts, recorder);
          };
      Map<String, float[]> computed = recorder.recorded();
      StepResult first = results.getFirst();
      computed.put("loss", new float[] {(float) first.loss()});
      computed.put("aux_loss", new float[] {(float) first.balanceLoss()});
      computed.put("grad_norm", new float[] {(float) first.gradientNorm()});
      float[] losses = new float[results.size()];
      for (int step = 0; step < losses.length; step++) {
        losses[step] = (float) results.get(step).loss();
      }
      computed.put(LOSSES, losses);
      return ParityReport.compare(parityCase.expected(), computed);
    }
  }

  private GroupPlan plan(int attention, int experts) {
    return new GroupPlan(
        parityCase.model(),
        parityCase.optimizer(),
        parityCase.steps(),
        parityCase.batch().length(),
        1,
        attention,
        experts,
        ScheduleKind.ZEBRA,
        Placement.balanced(parityCase.model().layers(), parityCase.model().experts(), experts));
  }

  private List<StepResult> local(TensorRecorder recorder) throws InterruptedException {
    List<StepResult> results = new ArrayList<>();
    try (Compute device = Devices.open(compute, 1);
        LocalTrainer trainer =
            new LocalTrainer(plan(1, 1), device, parityCase.weights(), recorder)) {
      for (int step = 1; step <= Math.max(1, parityCase.steps()); step++) {
        results.add(trainer.step(step, parityCase.batch()));
        recorder.stop();
      }
    }
    return results;
  }

  private List<StepResult> group(int attention, int experts, TensorRecorder recorder)
      throws InterruptedException {
    List<WorkerRank> members =
        Stream.concat(
                IntStream.range(0, attention).mapToObj(WorkerRank::attention),
                IntStream.range(0, experts).mapToObj(WorkerRank::expert))
            .toList();
    RunKey run = new RunKey(UUID.randomUUID(), 1);
    try (FrameBuffers buffers = new FrameBuffers();
        MemoryChannels channels = new MemoryChannels(run, members, buffers, new Refusals())) {
      InProcessGroup group =
          new InProcessGroup(
              plan(attention, experts),
              channels::channel,
              () -> Devices.open(compute, 1),
              parityCase.weights(),
              _ -> recorder);
      return group.train(
          Math.max(1, parityCase.steps()),
          step -> {
            if (step > 1) {
              recorder.stop();
            }
            return parityCase.batch();
          });
    }
  }
}
