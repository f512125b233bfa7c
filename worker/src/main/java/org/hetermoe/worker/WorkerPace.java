package org.hetermoe.worker;

import jakarta.inject.Singleton;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.EmulatedDevices;
import org.hetermoe.emulate.DeviceEmulation;
import org.hetermoe.group.WorkerRank;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.RunSpec;
import org.hetermoe.train.Pace;

/** The pace of a member: its run's emulated device, or else this worker's own, or as it comes. */
@Singleton
class WorkerPace {
  private final WorkerSettings settings;

  WorkerPace(WorkerSettings settings) {
    this.settings = settings;
  }

  /** The pace of a member of a run. */
  Pace of(RunSpec spec, WorkerRank.Role role) {
    return spec.emulation()
        .device(role)
        .or(() -> settings.emulate().map(this::device))
        .<Pace>map(
            device ->
                new DeviceEmulation(
                    device, ModelShape.of(spec.name(), spec.model()), spec.data().sequenceLength()))
        .orElse(Pace.REAL);
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
