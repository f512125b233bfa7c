package org.hetermoe.compute.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.hetermoe.emulator.RequiresEmulatedCuda;
import org.junit.jupiter.api.Test;

@RequiresEmulatedCuda
class CudaInventoryTest {

  @Test
  void listsDevicesAndLibraries() {
    EmulatedDevices.emulator();

    CudaInventory inventory = CudaInventory.take();

    assertThat(inventory.problems()).isEmpty();
    assertThat(inventory.driver())
        .hasValueSatisfying(version -> assertThat(version).startsWith("1"));
    assertThat(inventory.devices())
        .hasSize(4)
        .allMatch(CudaInventory.Device::usable)
        .allMatch(device -> device.uuid().startsWith("GPU-"))
        .allMatch(device -> 0 < device.freeBytes() && device.freeBytes() <= device.memoryBytes())
        .extracting(CudaInventory.Device::capability)
        .containsExactly("7.0", "7.5", "8.0", "9.0");
    assertThat(inventory.libraries())
        .allMatch(library -> library.path().isPresent() && library.version().startsWith("12."))
        .extracting(CudaInventory.Library::name)
        .containsExactly("NVRTC", "cuBLAS");
  }
}
