package org.hetermoe.compute.cuda;

import static java.util.Map.entry;

import java.util.List;
import java.util.Map;
import org.hetermoe.testing.Layering;

class CudaLayeringTest extends Layering {
  CudaLayeringTest() {
    super(
        Map.ofEntries(
            entry("compute.cuda.library", List.of()),
            entry("compute.cuda.driver", List.of("compute")),
            entry("compute.cuda.compile", List.of("compute.cuda.library", "compute")),
            entry(
                "compute.cuda.blas",
                List.of("compute.cuda.library", "compute.cuda.driver", "compute", "tensor")),
            entry("compute.cuda.memory", List.of("compute.cuda.driver", "compute", "tensor")),
            entry(
                "compute.cuda",
                List.of(
                    "compute.cuda.library",
                    "compute.cuda.driver",
                    "compute.cuda.compile",
                    "compute.cuda.blas",
                    "compute.cuda.memory",
                    "compute",
                    "tensor"))),
        Map.of("compute.cuda.driver", List.of("jcuda..")));
  }
}
