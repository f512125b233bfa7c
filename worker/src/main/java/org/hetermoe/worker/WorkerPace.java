package org.hetermoe.worker;

import jakarta.inject.Singleton;
import org.hetermoe.cluster.DeviceProfile;
import org.hetermoe.emulate.EmulatedDevices;
import org.hetermoe.emulate.EmulatedPace;
import org.hetermoe.group.Peer;
import org.hetermoe.model.InvalidFieldException;
import org.hetermoe.model.ModelShape;
import org.hetermoe.run.EmulationSpec;
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
  Pace of(RunSpec spec, Peer.Role role) {
    EmulationSpec emulation = spec.emulation();
    if (emulation.emulates(role)) {
      return emulated(
          spec, EmulatedDevices.of("emulation", emulation.device(role), emulation.timeScale()));
    }
    return settings
        .emulate()
        .map(name -> emulated(spec, device(name)))
        .orElse(Pace.REAL);
  }

  /**
   * The device that this worker emulates in runs that do not say otherwise.
   *
   * @throws InvalidFieldException if the catalogue has none of that name
   */
  DeviceProfile device(String name) {
    return EmulatedDevices.of("hetermoe.worker.emulate", name, settings.emulateTimeScale());
  }

  private static Pace emulated(RunSpec spec, DeviceProfile device) {
    return new EmulatedPace(
        device, ModelShape.of(spec.name(), spec.model()), spec.data().sequenceLength());
  }
}
