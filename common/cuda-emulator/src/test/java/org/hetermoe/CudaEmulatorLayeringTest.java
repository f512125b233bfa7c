package org.hetermoe;

import java.util.List;
import java.util.Map;
import org.hetermoe.testing.Layering;

class CudaEmulatorLayeringTest extends Layering {
  CudaEmulatorLayeringTest() {
    super(Map.of("emulator", List.of()), Map.of());
  }
}
