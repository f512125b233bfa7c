package org.hetermoe.coordinator.planning;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.hetermoe.device.DeviceProfile;
import org.hetermoe.device.EmulatedDevices;
import org.hetermoe.device.MeasuredProfile;
import org.hetermoe.device.MeasuredProfile.BothPasses;
import org.hetermoe.device.SidedProfile;
import org.hetermoe.device.WorkCurve;
import org.junit.jupiter.api.Test;

class RunPlansTest {
  /** An emulated device keeps the link that is set, in runs of one type and of two. */
  @Test
  void knowsAnEmulatedDeviceInARunOfTwoTypesToo() {
    WorkCurve curve = new WorkCurve(List.of(new WorkCurve.Point(1e6, 1e-3)));
    BothPasses both = new BothPasses(curve, curve);
    DeviceProfile measured =
        new MeasuredProfile("d", 1L << 34, both, both, both, both, both, curve).profile();
    DeviceProfile emulated = EmulatedDevices.of("emulation", "A40", 1, 1, 1);

    assertThat(RunPlans.emulated(emulated)).isTrue();
    assertThat(RunPlans.emulated(new SidedProfile(emulated, emulated))).isTrue();
    assertThat(RunPlans.emulated(measured)).isFalse();
    assertThat(RunPlans.emulated(new SidedProfile(measured, measured))).isFalse();
  }
}
