package org.hetermoe.worker;

import jakarta.inject.Singleton;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.EmulatedDevices;
import org.hetermoe.emulate.DeviceEmulation;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.RunSpec;
import org.hetermoe.train.step.TaskListener;

/** Which device a rank emulates: its run's, or else this worker's, or none. */
@Singleton
class EmulationListeners {
  private final WorkerSettings settings;

  EmulationListeners(WorkerSettings settings) {
    this.settings = settings;
  }

  /** Holds a rank of a run to the pace of its emulated device. */
  TaskListener listener(RunSpec spec, WorkerRank.Role role) {
    return spec.emulation()
        .device(role)
        .or(() -> settings.emulate().map(this::device))
        .<TaskListener>map(
            device ->
                new DeviceEmulation(
                    device, ModelShape.of(spec.name(), spec.model()), spec.data().sequenceLength()))
        .orElse(TaskListener.NONE);
  }

  /**
   * The device that this worker emulates in runs that do not say otherwise.
   *
   * @throws InvalidFieldException if the catalogue has none of that name
   */
  DeviceProfile device(String name) {
    return EmulatedDevices.of("hetermoe.worker.emulate", name, settings.emulateTimeScale(), 1, 1);
  }
}
